"""An ablation's arms at equal budgets, in words: per step, per training point and per second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import scores, statistics
from analysis.arms import arm_rows
from analysis.curves import PROCESSOR, Curve, arm_curves, at, budgets
from analysis.load import Run
from analysis.tables.cells import generator, spread
from analysis.tables.rounding import seconds
from analysis.verdict import compared, sentence, verdict
from studies.records.reduction import median
from studies.records.words import listed

_NAMES = {
    "iterations": "iterations",
    "points": "training points",
    "seconds": "time",
    PROCESSOR: "processor time",
}


def verdicts(run: Run) -> list[str]:
    """A run's verdict as a sentence and, of an ablation, one for each budget that all arms were given."""
    first = sentence(verdict(run.study, run.trials))
    return [*([first] if first else []), *at_equal_budgets(run)]


def at_equal_budgets(run: Run) -> list[str]:
    """What the arms come to when each has spent the same, a sentence for each budget.

    The budget is the largest that all arms reached, as in `analysis.tables.budget_table`.  Budgets at which
    all arms had run equally long are told together.  Tests are paired over shared seeds, and adjusted for
    the arms within a budget.  Empty unless the run is an ablation with a baseline and curves of all arms.
    """
    base = run.study.baseline
    if run.study.kind != "ablation" or base is None:
        return []
    rows, curves = arm_rows(run), arm_curves(run, "score")
    diverged = [arm for arm, trials in rows.items() if len(trials) and np.isinf(scores.errors(trials)).all()]
    curves = {arm: curve for arm, curve in curves.items() if arm not in diverged}
    measured = curves.keys() | set(diverged)
    if base not in curves or len(measured) < 2 or measured != rows.keys():
        return []
    told: dict[tuple[float, ...], list[str]] = {}
    for budget in budgets(run, curves):
        amount = min(float(curve.spent(budget)[-1]) for curve in curves.values())
        lengths = tuple(round(amount / curve.cost[budget], 6) for curve in curves.values())
        told.setdefault(lengths, []).append(f"{_NAMES[budget]} ({_amount(budget, amount)})")
    return [
        f"At equal {listed(names)}: {'; '.join(_told(run, rows, curves, diverged, base, lengths))}."
        for lengths, names in told.items()
    ]


def _told(
    run: Run,
    rows: Mapping[str, pd.DataFrame],
    curves: Mapping[str, Curve],
    diverged: list[str],
    base: str,
    lengths: tuple[float, ...],
) -> list[str]:
    """The arms against the baseline, each after its number of iterations in `lengths`."""
    errors = {
        arm: _errors(rows[arm], at(curve, "iterations", length * curve.cost["iterations"]))
        for (arm, curve), length in zip(curves.items(), lengths, strict=True)
    }
    errors |= {arm: _errors(rows[arm], scores.errors(rows[arm])) for arm in diverged}
    if any(each.isna().any() for each in errors.values()):
        return ["some arms were not measured so early"]
    rng = generator(run.study.seed)
    cells = {arm: _cells(its, errors[base], rng) for arm, its in errors.items() if arm != base}
    return compared(cells, base)


def _errors(rows: pd.DataFrame, values: Any) -> pd.Series:
    return pd.Series(np.asarray(values, float), index=scores.counted(rows)["seed"].to_numpy())


def _cells(errors: pd.Series, base: pd.Series, rng: np.random.Generator) -> dict[str, Any]:
    """An arm's error beside the baseline's.  Both: (n_seeds,), indexed by the seed."""
    both = pd.concat([errors, base], axis=1, join="inner")
    paired = statistics.paired_difference(both[0], both[1], rng=rng)
    return {"score": float(median(errors)), **spread("ratio", paired.ratio), "p": paired.p}


def _amount(budget: str, amount: float) -> str:
    return seconds(amount) if budget in ("seconds", PROCESSOR) else f"{amount:,.0f}"
