"""What a figure's title says: the finding, in numbers that its data support."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analysis import scores
from analysis.arms import arm_rows, arm_said
from analysis.load import Run
from analysis.plots.ticks import SUPERSCRIPTS
from analysis.statistics import Interval
from analysis.tables.rounding import number
from analysis.verdict import factor, paired_ratio, shown_better
from studies.records.intervals import median_interval


def said(value: float, digits: int = 2) -> str:
    """A rounded number in a sentence: "0.0053", "1.1×10⁻⁴", "∞"."""
    mantissa, _, exponent = number(value, digits).replace("-", "−").replace("e−", "e-").partition("e")
    return mantissa if not exponent else f"{mantissa}×10{str(int(exponent)).translate(SUPERSCRIPTS)}"


_CLOSE = 0.05


def times(ratio: Interval) -> str:
    """How one error compares with another: "8.5 times smaller than", "1.3 times larger than", "about"."""
    if not abs(ratio.point - 1) >= _CLOSE:
        return "about"
    return f"{factor(ratio)} times {'smaller' if ratio.point < 1 else 'larger'} than"


def median(rows: pd.DataFrame | None) -> float:
    """The median error of some rows, infinite where half diverged; NaN of none."""
    errors = np.array([]) if rows is None else scores.errors(rows)
    return float(median_interval(errors)[0]) if len(errors) else math.nan


def confirmed(run: Run) -> str | None:
    """The winner beside the baseline, both confirmed; None where there is no winner."""
    heads = scores.headlines(run.trials)
    winner, baseline = median(heads.get("winner")), median(heads.get("baseline"))
    if not np.isfinite(winner):
        return None
    text = f"Confirmed, the winner's {run.metric_name} is {said(winner)}"
    ratio = paired_ratio(run.study, heads["winner"], heads["baseline"]) if "baseline" in heads else None
    if ratio is not None and np.isfinite(baseline) and 0 < ratio.point < math.inf:
        text += f", {times(ratio)} the baseline's"
    return text


def best_arm(run: Run) -> str:
    """The arm of the lowest median error, beside the baseline."""
    arms = arm_rows(run)
    medians = {name: median(rows) for name, rows in arms.items()}
    medians = {name: value for name, value in medians.items() if np.isfinite(value)}
    if not medians:
        return "Half or more of the replicates of every arm diverged"
    best = min(medians, key=lambda name: medians[name])
    text = f"{arm_said(run.study, best)} has the lowest median {run.metric_name}, {said(medians[best])}"
    base = run.study.baseline
    if base == best:
        return f"{text}; it is the baseline"
    if base not in medians:
        return text
    if not shown_better(run.study, arms, best):
        return f"{text}, not shown to be smaller than the baseline's ({base})"
    ratio = paired_ratio(run.study, arms[best], arms[base])
    return f"{text}, {times(ratio)} the baseline's ({base})"
