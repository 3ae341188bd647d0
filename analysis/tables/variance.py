"""What each searched setting alone explains of the variance of the error over the space: fANOVA.

Hutter, Hoos and Leyton-Brown (2014), "An Efficient Approach for Assessing Hyperparameter Importance", ICML.
They take a forest of regression trees; here it is the process that `analysis.surrogate` draws from its
posterior, because the draws give an interval, for which forests would need one more for each resample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import qmc

from analysis.axes import SettingAxis
from analysis.load import Run
from analysis.statistics import Interval
from analysis.surrogate import Surrogate
from analysis.tables.cells import rows_of
from studies.records import CONFIG
from studies.records.reduction import median

Array = NDArray[np.float64]

LEAST = 8
"""Completed trials."""
_MOST = 150
"""Trials that count, evenly over all: the time grows with the third power."""
_DESIGN, _LEVELS, _DRAWS = 64, 9, 100


def variance_shares(
    run: Run, trials: pd.DataFrame, keys: Sequence[str], rng: np.random.Generator
) -> dict[str, Interval]:
    """The share of each of some settings that all trials have, the median of the posterior with 95 % of it.

    trials: a row for each that ended (see `analysis.scores.trial_scores`).  Nothing where fewer than eight of
    them completed with an error that has a logarithm.  A stopped trial counts with its last score times what
    trials that completed gained from there to their ends, in the median; a diverged one as the worst of all.
    """
    logged = (trials["status"] == "completed") & (trials["score"] > 0)
    if logged.sum() < LEAST:
        return {}
    ends = ended(run, trials)
    counted = np.flatnonzero(~np.isnan(ends))
    counted = counted[:: -(-len(counted) // _MOST)]
    axes = [SettingAxis(key, run.study.space[key]) for key in keys]
    rows = trials.iloc[counted]
    points = np.hstack([axis.coordinates(list(rows[CONFIG + axis.key])) for axis in axes])
    shares = axis_shares(axes, Surrogate(points, ends[counted], rng, draws=_DRAWS), rng)
    return dict(zip(keys, shares, strict=True))


def axis_shares(
    axes: Sequence[SettingAxis], surrogate: Surrogate, rng: np.random.Generator
) -> list[Interval]:
    """The share of each axis, in the median of the surrogate's draws, with the interval of 95 % of them."""
    unit = qmc.Sobol(len(axes), rng=rng).random(_DESIGN)
    design = [axis.spread(column) for axis, column in zip(axes, unit.T, strict=True)]
    levels = [axis.spread((np.arange(_LEVELS) + 0.5) / _LEVELS) for axis in axes]
    levels = [np.unique(each, axis=0) for each in levels]
    shares = np.minimum(1.0, surrogate.shares(np.hstack(design), levels, rng))  # the design's error apart
    low, middle, high = np.percentile(shares, [2.5, 50.0, 97.5], axis=0)
    return [Interval(*map(float, three)) for three in zip(middle, low, high, strict=True)]


def ended(run: Run, trials: pd.DataFrame) -> Array:
    """The logarithm of the error at the end of each trial, (n,), or what it would be; NaN where unknown."""
    done = trials[(trials["status"] == "completed") & (trials["score"] > 0)]
    last = {str(row["trial"]): row["score"] for row in rows_of(done)}
    gains = {
        rung: float(median(np.array([_log(last[trial]) - _log(score) for trial, score in looks])))
        for rung, looks in _looks(run, last).items()
    }
    logs = []
    for row in rows_of(trials):
        gain = 0.0 if row["status"] == "completed" else gains.get(int(row["iterations"]), math.nan)
        logs.append(math.nan if row["status"] == "diverged" else _log(row["score"]) + gain)
    worst = np.nanmax(logs)
    return np.where(trials["status"] == "diverged", worst, logs)


def _looks(run: Run, last: dict[str, float]) -> dict[int, list[tuple[str, float]]]:
    """At each rung the trials that completed, each with its score there."""
    looks: dict[int, list[tuple[str, float]]] = {}
    for row in rows_of(run.decisions):
        if str(row["trial"]) in last and not pd.isna(row["score"]) and row["score"] > 0:
            looks.setdefault(int(row["rung"]), []).append((str(row["trial"]), float(row["score"])))
    return looks


def _log(score: float) -> float:
    return math.log(score) if 0 < score < math.inf else math.nan
