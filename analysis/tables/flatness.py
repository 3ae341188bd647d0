"""How far each setting can move from the winner's value before the error doubles, others held."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import scores
from analysis.arms import level_name
from analysis.axes import SettingAxis, searched_axes
from analysis.load import Run
from analysis.surrogate import Surrogate
from analysis.tables.cells import generator

Array = NDArray[np.float64]

TIMES = 2.0
"""What the error is multiplied by at the end of a setting's range."""
LEAST = 8
"""Completed trials."""
_MOST = 150
"""Trials that count, those nearest to the winner: the time grows with the third power."""
_SURE = 0.05


def flatness_table(run: Run) -> pd.DataFrame:
    """A row for each searched setting that all trials have.

    `lower` is the value below which the error is more than twice the winner's, all other settings held, with
    an interval of 95 %; `upper` that above which it is.  NaN where the space ends before; each end of an
    interval is NaN where it lies beyond the space.  `below` and `above` say how sure that is (see `_side`).
    Of a setting without an order, `kept`, `doubling` and `unknown` are the other choices, by whether the
    error stays below twice the winner's.  Empty where fewer than eight trials completed.
    """
    trials = completed(run)
    winner = None if run.study.winner is None else run.study.winner.trial
    if len(trials) < LEAST or winner not in set(trials["trial"]):
        return pd.DataFrame()
    searched = searched_axes(run, trials)
    if not searched:
        return pd.DataFrame()
    axes, settings = [axis for axis, _ in searched], [values for _, values in searched]
    place = list(trials["trial"]).index(winner)
    return slopes(axes, settings, np.log(trials["score"].to_numpy(float)), place, generator(run.study.seed))


def completed(run: Run) -> pd.DataFrame:
    """The trials of the search whose errors have a logarithm."""
    trials = scores.trial_scores(run.phase("search"))
    return trials[
        (trials["status"] == "completed") & np.isfinite(trials["score"]) & (trials["score"] > 0)
    ].reset_index(drop=True)


def slopes(
    axes: Sequence[SettingAxis],
    settings: Sequence[Sequence[Any]],
    errors: Array,
    winner: int,
    rng: np.random.Generator,
    surrogate: Surrogate | None = None,
) -> pd.DataFrame:
    """The table from the values of each axis, the logarithms of the errors (n,), and the winner's row.

    surrogate: by default made of these trials, those nearest to the winner if there are many.
    """
    coordinates = [axis.coordinates(values) for axis, values in zip(axes, settings, strict=True)]
    points = np.hstack(coordinates)
    if surrogate is None:
        near = ((points - points[winner]) ** 2).sum(axis=1).argsort(kind="stable")[:_MOST]
        surrogate = Surrogate(points[near], errors[near], rng)
    slices, columns, first = [], [], 0
    for axis, own in zip(axes, coordinates, strict=True):
        moved = axis.coordinates(axis.steps())
        slice_ = np.repeat(points[winner][None], len(moved), axis=0)
        slice_[:, first : first + own.shape[1]] = moved
        slices.append(slice_)
        first += own.shape[1]
    ends = np.cumsum([len(each) for each in slices])[:-1]
    chances = np.split(surrogate.exceeds(np.vstack(slices), points[winner], math.log(TIMES)), ends)
    for axis, values, chance in zip(axes, settings, chances, strict=True):
        columns.append(_row(axis, values[winner], chance))
    winners = pd.Series([row["winner"] for row in columns], dtype=object)  # whole numbers stay whole
    return pd.DataFrame(columns).assign(winner=winners)


def _row(axis: SettingAxis, value: Any, chances: Array) -> dict[str, Any]:
    row: dict[str, Any] = {"setting": axis.key, "winner": value}
    steps = axis.steps()
    if axis.choices is not None:
        (own,) = axis.places([value])
        others = [
            (level_name(step), chance)
            for place, (step, chance) in enumerate(zip(steps, chances, strict=True))
            if place != own
        ]
        return row | {
            "kept": ", ".join(step for step, chance in others if chance < _SURE),
            "doubling": ", ".join(step for step, chance in others if chance > 1 - _SURE),
            "unknown": ", ".join(step for step, chance in others if _SURE <= chance <= 1 - _SURE),
        }
    pairs = list(zip(steps, chances, strict=True))
    down = [pair for pair in reversed(pairs) if pair[0] < value]
    up = [pair for pair in pairs if pair[0] > value]
    for name, said, way in (("lower", "below", down), ("upper", "above", up)):
        (least, _), (middle, _), (_, most) = (_passed(value, way, level) for level in (_SURE, 0.5, 1 - _SURE))
        ends = (most, least) if name == "lower" else (least, most)
        row |= {name: middle, f"{name}_low": ends[0], f"{name}_high": ends[1]}
        row[said] = _side(value, way, least, most)
    return row


def _passed(value: Any, way: Sequence[tuple[Any, float]], level: float) -> tuple[float, float]:
    """On the way out from the winner's value, the last one before the chance is above a level, and the first
    one where it is; NaN where it never is."""
    last = float(value)
    for step, chance in way:
        if chance > level:
            return last, float(step)
        last = float(step)
    return math.nan, math.nan


def _side(value: Any, way: Sequence[tuple[Any, float]], least: float, most: float) -> str:
    """ "edge": the winner is at the end of the space.  "flat": the error does not double up to it.  "shown":
    it doubles within the interval.  "partly": it does not up to the end nearer to the winner, and beyond that
    the trials do not say.  "unknown": nor up to there."""
    if not way:
        return "edge"
    if math.isnan(least):
        return "flat"
    if not math.isnan(most):
        return "shown"
    return "unknown" if least == float(value) else "partly"
