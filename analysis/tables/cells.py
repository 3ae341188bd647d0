"""Groups of columns that several tables share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import scores, statistics
from analysis.load import Run
from analysis.statistics import Interval
from analysis.tables.solving import solved_rows
from studies.records import StudyRecord
from studies.records.intervals import median_coverage
from studies.records.reduction import median


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, a dictionary each."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def generator(seed: int) -> np.random.Generator:
    """A fresh generator of the study's own seed for each table, so that two calls give the same one."""
    return np.random.default_rng([seed, 20_210_830])


def spread(name: str, interval: Interval) -> dict[str, float]:
    """An interval as the columns name, name_low and name_high."""
    return {name: interval.point, f"{name}_low": interval.low, f"{name}_high": interval.high}


def error_cells(run: Run, rows: pd.DataFrame) -> dict[str, Any]:
    """n, what befell the replicates, and the median score with its interval and that one's coverage.

    rows: some of the run's trials.  n counts completed, stopped and diverged replicates, of which those
    `blown_up` (see `analysis.fates`) are some; failed and interrupted ones stand beside it.  The errors
    follow under their own names, medians too; `solved` says in words what they come to.
    """
    score = scores.errors(rows)
    diverged = int(np.isinf(score).sum())
    return {
        "n": len(score),
        "diverged": diverged,
        "blown_up": int(run.fates.loc[rows.index, "blown_up"].sum()),
        "failed": scores.count(rows, "failed"),
        "interrupted": scores.count(rows, "interrupted"),
        **spread("divergence", statistics.rate(diverged, len(score))),
        "metric": run.study.metric,
        **spread("score", statistics.median(score)),
        "coverage": median_coverage(len(score)) if len(score) > 1 else np.nan,
        **{name: float(median(scores.errors(rows, name))) for name in scores.metrics(rows)},
        "solved": solved_rows(run.study, rows) or None,
    }


def cost_cells(rows: pd.DataFrame) -> dict[str, float]:
    """Median iterations, training points and seconds (all replicates of a trial together)."""
    return {name: scores.typical(rows, name) for name in ("parameters", "iterations", "points", "seconds")}


def looks_of(study: StudyRecord) -> int:
    """How often a search may have compared its winner with its baseline (see `Search.looks`)."""
    count, limit = study.definition.get("confirmations"), study.definition.get("confirm_limit")
    return max(1, -(-int(limit) // int(count))) if count and limit else 1


def paired_cells(
    rows: pd.DataFrame, baseline: pd.DataFrame, rng: np.random.Generator, looks: int = 1
) -> dict[str, Any]:
    """The ratio of errors to the baseline's over shared seeds, with its tests; see `paired_difference`."""
    both = pd.concat([scores.by_seed(rows), scores.by_seed(baseline)], axis=1, join="inner")
    paired = statistics.paired_difference(both[0], both[1], rng=rng, looks=looks)
    return {
        "pairs": paired.n,
        **spread("ratio", paired.ratio),
        "test": paired.test,
        "p": paired.p,
        "p_exact": paired.p_exact,
    }
