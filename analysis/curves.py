"""Curves of several replicates: aligned, thinned, and read at a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.arms import arm_rows
from analysis.load import Run
from analysis.scores import counted, numbers, typical
from studies.records.intervals import order_rank
from studies.records.reduction import median

Array = NDArray[np.float64]

BUDGETS = ("iterations", "points", "seconds")
PROCESSOR = "processor_seconds"
"""The budget in place of seconds where it was measured: what other work on the machine has no part in."""


@dataclass(frozen=True)
class Curve:
    """Values of K replicates of one setting on shared iterations.

    iterations: (m,), from 1.  values: (m, K), infinite from a replicate's divergence on.  cost: of one
    iteration in the unit of each budget; seconds are those of all replicates trained together, and of the
    processor NaN where they were not measured.
    """

    iterations: Array
    values: Array
    cost: dict[str, float]

    def spent(self, budget: str) -> Array:
        """What each entry had cost, (m,): iterations, training points or seconds."""
        return self.iterations * self.cost[budget]


def curve(run: Run, rows: pd.DataFrame, column: str) -> Curve:
    """A curve of some trial rows: "score" where it was measured, or "loss" at every iteration.

    Errors of trials measured at different iterations are interpolated in log-log to all of them.
    """
    return _aligned(_measured(run, rows, column), rows, column)


def trial_curves(run: Run, rows: pd.DataFrame, column: str) -> dict[str, Curve]:
    """The curves of trials by their names, of those that have any; see `curve`."""
    parts = _by_trial(_measured(run, rows, column))
    return {
        trial: _aligned(parts[trial], replicates, column)
        for trial, replicates in _by_trial(rows).items()
        if trial in parts
    }


def arm_curves(run: Run, column: str, *, until: int | None = None) -> dict[str, Curve]:
    """The curves of an ablation's arms that have any, of the replicates that count; see `curve`."""
    rows = {name: counted(arm) for name, arm in arm_rows(run).items()}
    if not rows:
        return {}
    frame = _measured(run, pd.concat(rows.values()), column, until=until)
    groups = _by_trial(frame)
    curves = {}
    for name, arm in rows.items():
        parts = [groups[trial] for trial in arm["trial"].unique() if trial in groups]
        if parts:
            curves[name] = _aligned(pd.concat(parts), arm, column)
    return {name: curve for name, curve in curves.items() if len(curve.iterations) > 1}


def budgets(run: Run, curves: Mapping[str, Curve]) -> tuple[str, ...]:
    """The budgets by which curves are compared: of time that of the processor, where all of them have it.

    On a GPU, the processor's time is not what a training takes.
    """
    measured = all(np.isfinite(each.cost[PROCESSOR]) and each.cost[PROCESSOR] > 0 for each in curves.values())
    return (*BUDGETS[:-1], PROCESSOR if measured and run.study.device == "cpu" else BUDGETS[-1])


@dataclass(frozen=True)
class WholeTraining:
    """Losses and errors of whole trainings, polishes included.

    Both are over `steps` from 1: iterations, and those of the polishes between and after them.  polishes:
    the first and the last step of each.
    """

    loss: Curve
    error: Curve
    polishes: list[tuple[int, int]]


def course(run: Run, rows: pd.DataFrame) -> WholeTraining:
    """The course of some trial rows.

    Where trainings of several trials polish at the same iteration, they wait for the longest polish.
    """
    trials = list(rows["trial"].unique())
    polish = run.polish(trials)
    longest = polish.groupby("iteration")["polish"].max().sort_index()
    ends = longest.index.to_numpy(dtype=float)
    spent = np.concatenate([[0.0], np.cumsum(longest.to_numpy(dtype=float))])

    def placed(frame: pd.DataFrame) -> pd.DataFrame:
        at = frame["iteration"].to_numpy(dtype=float)
        step = at + spent[np.searchsorted(ends, at, side="left")]
        return frame.assign(iteration=step + (frame["polish"].to_numpy(float) if "polish" in frame else 0.0))

    lost = rows["diverged_at"].to_numpy(dtype=float, na_value=np.nan)
    moved = rows.assign(diverged_at=lost + spent[np.searchsorted(ends, lost, side="left")])
    errors = run.errors[run.errors["trial"].isin(trials)]
    if len(polish):  # the error after a polish stands at its last step, not at the iteration before it
        errors = errors[~errors["iteration"].isin(ends)]
    measured = polish[polish["score"].notna()]
    parts = {"loss": [run.losses(trials), polish], "score": [errors, measured]}
    made = {
        column: _aligned(pd.concat([placed(part) for part in pieces if len(part)] or pieces), moved, column)
        for column, pieces in parts.items()
    }
    begin = ends + spent[:-1] + 1
    polishes = [(int(first), int(last)) for first, last in zip(begin, ends + spent[1:], strict=True)]
    return WholeTraining(_held(made["loss"], polishes), _held(made["score"], polishes), polishes)


def _held(curve: Curve, spans: list[tuple[int, int]]) -> Curve:
    """With the last value of what ended a polish sooner than another, until that one ends too."""
    values = curve.values.copy()
    for first, last in spans:
        for place in np.flatnonzero((curve.iterations > first) & (curve.iterations <= last)):
            missing = np.isnan(values[place])
            values[place, missing] = values[place - 1, missing]
    return Curve(curve.iterations, values, curve.cost)


def thinned(full: Curve, *, bins: int = 150, spacing: str = "log") -> Curve:
    """The curve by medians of each replicate in at most `bins` bins of the iterations."""
    if len(full.iterations) <= bins:
        return full
    first, last = full.iterations[0], full.iterations[-1] + 1
    scale = np.geomspace if spacing == "log" else np.linspace
    edges = np.unique(np.searchsorted(full.iterations, np.ceil(scale(first, last, bins + 1))))
    slices = [slice(a, b) for a, b in pairwise(edges)]
    middle = np.array([np.median(full.iterations[part]) for part in slices])
    values = np.array([np.median(full.values[part], axis=0) for part in slices])
    return Curve(middle, values, full.cost)


def band(values: Array) -> tuple[Array, Array, Array]:
    """Median over replicates and its exact interval (see `median_interval`): (m, K) to three (m,)."""
    ordered = np.sort(values, axis=1)  # NaN last, and rows that hold one have no median
    n = ordered.shape[1]
    if n == 0:
        nothing = np.full(len(ordered), np.nan)
        return nothing, nothing, nothing
    k = order_rank(n)
    return np.median(ordered, axis=1), ordered[:, k - 1], ordered[:, n - k]


def at(full: Curve, budget: str, amount: float) -> Array:
    """Values (K,) when `amount` of a budget was spent, interpolated in log-log; NaN outside the curve."""
    spent = full.spent(budget)
    outside = not len(spent) or amount < spent[0] * (1 - 1e-9) or amount > spent[-1] * (1 + 1e-9)
    if outside:
        return np.full(full.values.shape[1], np.nan)
    right = min(int(np.searchsorted(spent, amount)), len(spent) - 1)
    left = max(right - 1, 0)
    low, high = full.values[left], full.values[right]
    if left == right or amount >= spent[right]:
        return high
    weight = np.log(amount / spent[left]) / np.log(spent[right] / spent[left])
    with np.errstate(divide="ignore"):
        return np.power(10.0, (1 - weight) * np.log10(low) + weight * np.log10(high))


def _filled(iterations: Array, values: Array) -> Array:
    """One replicate's errors (m,) at all iterations between its first and last measurement."""
    known = np.isfinite(values) & (values > 0)
    if not known.any():
        return values
    log = np.log(iterations)
    inside = np.interp(log, log[known], np.log(values[known]), left=np.nan, right=np.nan)
    return np.where(np.isnan(values), np.exp(inside), values)


def _measured(run: Run, rows: pd.DataFrame, column: str, *, until: int | None = None) -> pd.DataFrame:
    """The rows of the curves of some trial rows."""
    trials = list(rows["trial"].unique())
    return (
        run.errors[run.errors["trial"].isin(trials)] if column == "score" else run.losses(trials, until=until)
    )


def _by_trial(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(trial): group for trial, group in frame.groupby("trial", sort=False)}


def _aligned(frame: pd.DataFrame, rows: pd.DataFrame, column: str) -> Curve:
    """One column for each trial row, on the iterations of all of them."""
    several = rows["trial"].nunique() > 1
    if several:
        names = [
            pd.MultiIndex.from_arrays([part["trial"].astype(object), part["replicate"]])
            for part in (rows, frame)
        ]
    else:
        names = [pd.Index(part["replicate"].to_numpy(dtype=int)) for part in (rows, frame)]
    place = names[0].get_indexer(names[1])
    iterations, at_iteration = np.unique(frame["iteration"].to_numpy(dtype=float), return_inverse=True)
    values = np.full((len(iterations), len(rows)), np.nan)
    known = place >= 0
    values[at_iteration[known], place[known]] = numbers(frame[column])[known]
    if column == "score" and several:
        values = np.column_stack([_filled(iterations, column_values) for column_values in values.T])
    began = rows["diverged_at"].to_numpy(dtype=float, na_value=np.nan)
    lost = (rows["status"] == "diverged").to_numpy(dtype=bool)
    # Without a first infinite loss, a diverged replicate is one whose final error is not finite.
    last = iterations[-1] if len(iterations) else np.nan
    values[iterations[:, None] >= np.where(lost, np.where(np.isnan(began), last, began), np.inf)] = np.inf
    ran = typical(rows, "iterations")
    cost = {name: typical(rows, name) / ran if ran > 0 else np.nan for name in BUDGETS}
    worked = numbers(rows["seconds"]) * numbers(rows["processor_share"])
    measured = ran > 0 and len(worked) > 0 and not np.isnan(worked).any()
    cost[PROCESSOR] = float(median(worked)) / ran if measured else np.nan
    return Curve(iterations, values, cost)
