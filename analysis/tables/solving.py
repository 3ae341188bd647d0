"""How far a problem is solved, in words: the error relative to the solution's size, and what costs nothing.

The same words wherever errors are told: in the terminal, in tables, in answers and in JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis import scores
from analysis.fates import NOT_SOLVED
from analysis.tables.rounding import number
from studies.records import StudyRecord
from studies.records.reduction import median
from studies.records.words import counted

SOLVED = 0.01
"""Relative L² error up to which a problem counts as solved without a reserve."""
MISSED = 0.1
"""Residual, in units of what a wrong field leaves, above which nobody would call the equation satisfied."""
_YARDSTICKS = {"constant": "a constant", "conditions": "a linear interpolation of the conditions"}
_EXACT = 1e-9


def solved(
    rel_l2: float,
    *,
    n: int,
    diverged: int,
    failed: int = 0,
    reason: str = "",
    yardsticks: Mapping[str, Mapping[str, float]] | None = None,
) -> str:
    """How far a problem is solved; empty where nothing is known of it.

    rel_l2: median relative L² error, NaN or infinite where there is none (no reference, say).  n, diverged:
    replicates, and those that diverged.  failed: those that solve nothing, diverged or not.  reason: what was
    not finite first.  yardsticks: errors of fields that cost nothing, as `StudyRecord` has them.
    """
    if n and 2 * diverged >= n:
        return f"diverged ({diverged} of {n}{f': {reason}' if reason else ''})"
    if not math.isfinite(rel_l2):
        return ""
    if float(number(rel_l2, 2)) >= 1:
        return f"no better than zero (relative L² error {number(rel_l2, 2)})"
    for name, field in _YARDSTICKS.items():
        error_there = (yardsticks or {}).get(name, {}).get("rel_l2", 0.0)
        # A solution that is one of these fields is no worse solved for it.
        if error_there > _EXACT and rel_l2 >= error_there:
            both = f"{number(rel_l2, 2)}, against {number(error_there, 2)}"
            return f"no better than {field} (relative L² error {both})"
    size = f"{number(100 * rel_l2, 2)} % of the solution's size"
    if rel_l2 > NOT_SOLVED:
        return f"not solved: wrong by {size}"
    but = f" ({failed} of {counted(n, 'seed')} not solved)" if failed else ""
    return f"solved to {size}{but}" if rel_l2 <= SOLVED else f"solved only to {size}{but}"


def count_failed(rel_l2: ArrayLike, diverged: ArrayLike) -> int:
    """How many replicates solve nothing: (n,) relative L² errors, NaN where unknown, and which diverged."""
    return int((np.asarray(diverged, dtype=bool) | (np.asarray(rel_l2, dtype=float) > NOT_SOLVED)).sum())


def satisfied(residuals: ArrayLike, of_data: ArrayLike | None = None) -> str:
    """How far equation and conditions are satisfied where no reference is known; empty for NaN.

    residuals: of each replicate, (n,), each term in units of what a wrong field leaves.  of_data: the share
    of measured data in them, which noise keeps above zero and which is no fault of the solution's.
    """
    every = np.asarray(residuals, dtype=float).reshape(-1)
    data = np.zeros_like(every) if of_data is None else np.asarray(of_data, dtype=float).reshape(-1)
    residual = float(median(_without(every, data)))
    if not math.isfinite(residual):
        return ""
    share = f"{number(100 * residual, 2)} % of what a wrong field leaves"
    beside = ""
    if of_data is not None:
        beside = f", and the measured data, with their noise, to {number(100 * float(median(data)), 2)} %"
    if residual > MISSED:
        doubt = ", unless the measured data contradict them" if of_data is not None else ""
        return f"not solved: equation and conditions are missed by {share}{doubt}"
    return f"equation and conditions hold {'' if residual <= SOLVED else 'only '}to {share}{beside}"


def _without(residuals: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rest of root sums of squares, (n,)."""
    known = np.isfinite(residuals)
    part = np.where(known, part, 0.0)
    return np.sqrt(np.clip(np.where(known, residuals, np.inf) ** 2 - part**2, 0.0, None))


def _residuals(rows: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Of each row, and the share of measured data in them where there are any."""
    names = [name for name in (scores.RESIDUAL, scores.RESIDUAL_OF_DATA) if name in rows]
    return [each for each in (scores.numbers(rows[name]) for name in names) if not np.isnan(each).all()]


def solved_rows(study: StudyRecord, rows: pd.DataFrame) -> str:
    """How far the trials of some rows solve the problem; empty where nothing is known of it."""
    own = scores.counted(rows)
    if own.empty:
        return ""
    known = scores.numbers(own["rel_l2"]) if "rel_l2" in own else np.full(len(own), np.nan)
    lost = scores.diverged(own)
    if scores.metrics(own) == [scores.RESIDUAL] and 2 * lost.sum() < len(own):
        return satisfied(*(np.where(lost, np.inf, each) for each in _residuals(own)))
    some = not np.isnan(known[~lost]).any()
    reasons = [*own["diverged_by"].dropna().unique()] if "diverged_by" in own else []
    return solved(
        float(median(np.where(lost, np.inf, known))) if some else math.nan,
        n=len(own),
        diverged=int(lost.sum()),
        failed=count_failed(known, lost),
        reason=str(reasons[0]) if reasons else "",
        yardsticks=study.yardsticks,
    )
