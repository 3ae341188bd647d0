"""Which searched settings set the best trials apart, with how far that can be told from chance.

PED-ANOVA: Watanabe, Bansal and Hutter (2023), "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance
in Arbitrary Subspaces", IJCAI.  It compares where the best trials lie with where all lie, one setting at a
time, and needs their order alone: a trial that was stopped early has a place in it, behind those that
completed.  Written here because reports are made without Optuna, whose evaluator the tests compare it with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from analysis import scores, statistics
from analysis.axes import SettingAxis, searched_axes
from analysis.load import Run
from analysis.tables.cells import generator, rows_of, spread
from analysis.tables.variance import variance_shares

Array = NDArray[np.float64]

BEST = 0.25
"""Share of the trials that are the best ones: of 24 trials six, fewer of which say little."""
_LEAST_TRIALS = 10
_CELLS = 50
_RESAMPLES = 1_000


def importance_table(run: Run) -> pd.DataFrame:
    """A row for each searched setting that all trials have: see `set_apart` and `variance_shares`.

    `variance` is what the setting alone explains of the variance of the logarithm of the error over the space
    (fANOVA), NaN where fewer than eight trials completed.
    """
    table = set_apart(run)
    if table.empty:
        return table
    alone = variance_shares(run, _ranked(run), list(table["setting"]), generator(run.study.seed))
    unknown = statistics.Interval(np.nan, np.nan, np.nan)
    cells = [spread("variance", alone.get(key, unknown)) for key in table["setting"]]
    return table.join(pd.DataFrame(cells))


def set_apart(run: Run) -> pd.DataFrame:
    """By PED-ANOVA, a row for each searched setting that all trials have, the most important first.

    `importance` is its share of the divergences of all, with a 95 % percentile bootstrap over trials; `p` is
    that of a permutation of the trials' order, `p_holm` adjusted for the settings.  Empty where fewer than
    ten trials have ended, and where nothing says which are the best quarter.
    """
    trials = _ranked(run)
    if len(trials) < _LEAST_TRIALS or not _parted(trials):
        return pd.DataFrame()
    units = {axis.key: _unit(axis, values) for axis, values in searched_axes(run, trials)}
    if len(units) < 2:
        return pd.DataFrame()
    rng, n = generator(run.study.seed), len(trials)
    once = np.ones((1, n))
    drawn = rng.multinomial(n, np.full(n, 1 / n), _RESAMPLES).astype(float)
    at_random = rng.permuted(np.tile(best_of(once), (_RESAMPLES, 1)), axis=1)
    setting_values, resampled, chance = (
        np.array([divergence(*values, weights, best) for values in units.values()])
        for weights, best in ((once, best_of(once)), (drawn, best_of(drawn)), (once, at_random))
    )
    if not setting_values.any():
        return pd.DataFrame()
    return _table(list(units), setting_values[:, 0], resampled, chance)


def best_of(weights: Array) -> Array:
    """How often each trial counts among the best quarter, (B, n); weights (B, n) has the best trial first."""
    n = weights.sum(axis=1, keepdims=True)
    before = np.cumsum(weights, axis=1) - weights
    return np.clip(np.maximum(1.0, np.round(BEST * n)) - before, 0.0, weights)


def _parted(trials: pd.DataFrame) -> bool:
    """Whether the best quarter of ranked trials have errors, and not all trials the same."""
    last = trials["status"].iloc[round(BEST * len(trials)) - 1]
    return bool(last != "diverged" and len(trials[["status", "score"]].drop_duplicates()) > 1)


def divergence(values: Array, levels: int, weights: Array, best: Array) -> Array:
    """How far the best trials' density lies from that of all, (B,): the mean of (best / all − 1)² over all.

    values: (n,) in [0, 1]; of a choice the number of its level, of `levels` in all (0 for a number).
    weights, best: (B, n) or (1, n), how often each trial counts among all and among the best.
    """
    everywhere = _density(values, levels, weights)
    ratio = _density(values, levels, best) / everywhere
    return (everywhere * (ratio - 1.0) ** 2).sum(axis=1)


def _density(values: Array, levels: int, weights: Array) -> Array:
    """Mass in each cell, (B, cells), with one trial more that is everywhere alike."""
    total = weights.sum(axis=1, keepdims=True)
    if levels:
        mass = (values[:, None] == np.arange(levels)).astype(float)
    else:
        width = _bandwidth(values)
        edges = np.linspace(0.0, 1.0, _CELLS + 1)
        below = ndtr((edges - values[:, None]) / width)
        mass = np.diff(below, axis=1) / (below[:, -1:] - below[:, :1])
    cells = mass.shape[1]
    return (weights @ mass + 1.0 / cells) / (total + 1.0)


def _bandwidth(values: Array) -> float:
    """Scott's rule on [0, 1] (Scott 1992, Multivariate Density Estimation), a cell at least."""
    low, high = np.percentile(values, [25, 75])
    sizes = [size for size in (float(np.std(values)), float(high - low) / 1.34) if size > 0]
    return max(1.0 / _CELLS, 1.059 * min(sizes, default=0.0) * len(values) ** -0.2)


def _unit(axis: SettingAxis, values: list[Any]) -> tuple[Array, int]:
    """A setting's values for `divergence`, with the number of its levels, 0 for a number."""
    if axis.choices is not None:
        return np.array(axis.places(values), float), len(axis.choices)
    return axis.coordinates(values)[:, 0], 0


def _ranked(run: Run) -> pd.DataFrame:
    """The trials that ended, the best first: completed ones by their score, then those that were stopped,
    the longest trained first, then those that diverged."""
    trials = scores.trial_scores(run.phase("search"))
    places = {"completed": 0, "stopped": 1, "diverged": 2}
    trials = trials[trials["status"].isin(list(places))]
    order = sorted(
        rows_of(trials.reset_index()),
        key=lambda row: (
            places[row["status"]],
            0 if row["status"] == "completed" else -int(row["iterations"]),
            row["score"],
        ),
    )
    return trials.loc[[row["index"] for row in order]].reset_index(drop=True)


def _table(keys: list[str], measured: Array, resampled: Array, chance: Array) -> pd.DataFrame:
    """measured: (d,); resampled, chance: (d, B)."""
    total = resampled.sum(axis=0)  # 0 where the best of a resample lie as all of it do
    low, high = np.percentile((resampled / np.where(total, total, 1.0))[:, total > 0], [2.5, 97.5], axis=1)
    p = (1 + (chance >= measured[:, None]).sum(axis=1)) / (1 + chance.shape[1])
    point = measured / measured.sum()
    rows = [
        {"setting": key, **spread("importance", statistics.Interval(point[k], low[k], high[k])), "p": p[k]}
        for k, key in enumerate(keys)
    ]
    table = pd.DataFrame(rows).assign(p_holm=statistics.holm(p))
    return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
