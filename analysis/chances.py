"""How likely each of a few confirmed settings is the best of them.

A confirmation of six seeds alone says it too low: the search has tried the settings before, on other seeds,
and its winner won there.  So both count, in a normal model of the logarithm of the error: a setting's own
level, what all settings share at a seed, and noise.  How much settings differ in truth is learned from all
that the search completed, which guards against the luck of the best of many (Efron and Morris 1975, "Data
Analysis Using Stein's Estimator and its Generalizations", J. Am. Stat. Assoc. 70:311).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SPREADS = np.geomspace(0.03, 30.0, 40)
"""Between settings, in standard deviations of the noise between seeds: equally likely before any training."""
_DRAWS = 5_000


def probability_best(
    confirmed: Mapping[str, pd.Series], searched: Mapping[str, pd.Series], rng: np.random.Generator
) -> list[float]:
    """How likely each confirmed setting has the lowest median error.

    confirmed, searched: errors by seed, infinite where diverged, of each confirmed trial and of each that the
    search completed, by the trials' names.  The seeds that all share count; where the search has
    none for a confirmed trial, its confirmation counts alone.  A setting half of whose confirmed seeds
    diverged has no chance; other diverged seeds count as the largest finite error.  NaN without shared seeds,
    and of one seed where the search does not say how far another would be.
    """
    names = list(confirmed)
    fresh = _shared(confirmed)  # (k, n)
    if not fresh.size:
        return [np.nan] * len(names)
    able = np.isfinite(fresh).mean(axis=1) > 0.5
    if able.sum() < 2:
        return list((able / able.sum() if able.any() else np.full(len(names), 1 / len(names))).astype(float))
    before = _before(names, searched)
    places = [place for place, can in enumerate(able) if can]
    chances = np.zeros(len(names))
    chances[able] = _lowest(_logs(fresh[able]), _logs(before), places, rng)
    return [float(chance) for chance in chances]


def _before(names: list[str], searched: Mapping[str, pd.Series]) -> Array:
    """What the search saw of each, (m, r), the confirmed ones first; (0, 0) where it lacks one of them."""
    if not set(names) <= set(searched):
        return np.empty((0, 0))
    seeds = set.intersection(*(set(searched[name].index) for name in names))
    others = [name for name, errors in searched.items() if name not in names and seeds <= set(errors.index)]
    errors = _shared({name: searched[name].loc[sorted(seeds)] for name in [*names, *others]})
    return errors if errors.size else np.empty((0, 0))


def _lowest(fresh: Array, before: Array, places: list[int], rng: np.random.Generator) -> Array:
    """The share of draws from the posterior in which each level is the lowest, (k,).

    fresh: (k, n) logarithms of errors; before: (m, r), those of the search, (0, 0) where there are none;
    places: (k,) rows of `before` that are those of `fresh`.  What all settings have in common falls out of a
    comparison between them, so the mean of the search and the effect of a seed do too.
    """
    (k, n), (m, r) = fresh.shape, before.shape
    squares = _residual(fresh) + _residual(before)
    freedom = (k - 1) * (n - 1) + max(0, m - 1) * max(0, r - 1)
    if freedom == 0:  # of one seed nobody knows what another would give
        return np.full(k, np.nan)
    if squares == 0.0:  # no noise: ties share
        least = fresh.mean(axis=1) == fresh.mean(axis=1).min()
        return np.asarray(least / least.sum(), float)
    noise, level = squares / freedom, fresh.mean(axis=1)
    if m > 1:
        known = before.mean(axis=1)
        shrunk = _SPREADS**2 / (_SPREADS**2 + 1 / r)
        total, prior = noise * (_SPREADS**2 + 1 / r), shrunk * noise / r
        middle = shrunk[:, None] * known[places]
        likely = -0.5 * ((m - 1) * np.log(total) + ((known - known.mean()) ** 2).sum() / total)
        both = prior + noise / n
        gap = (level - level.mean()) - (middle - middle.mean(axis=1, keepdims=True))
        likely -= 0.5 * ((k - 1) * np.log(both) + (gap**2).sum(axis=1) / both)
    else:
        prior, middle, likely = np.full(1, np.inf), np.zeros((1, k)), np.zeros(1)
    precision = 1 / prior + n / noise
    centre = (middle / prior[:, None] + level * n / noise) / precision[:, None]
    weights = np.exp(likely - likely.max())
    drawn = rng.choice(len(weights), size=_DRAWS, p=weights / weights.sum())
    tails = np.sqrt(freedom / rng.chisquare(freedom, size=(_DRAWS, 1)))
    levels = centre[drawn] + rng.normal(size=(_DRAWS, k)) * tails / np.sqrt(precision[drawn])[:, None]
    return np.bincount(levels.argmin(axis=1), minlength=k) / _DRAWS


def _shared(errors: Mapping[str, pd.Series]) -> Array:
    """Errors at the seeds that all have, (settings, seeds)."""
    return pd.concat(list(errors.values()), axis=1, join="inner").dropna().to_numpy(float).T


def _logs(errors: Array) -> Array:
    """Logarithms; what has none that is finite counts as the largest, or smallest, of those that have."""
    with np.errstate(divide="ignore"):
        logs = np.log(errors)
    finite = logs[np.isfinite(logs)]
    return np.clip(logs, finite.min(), finite.max()) if finite.size else np.zeros_like(logs)


def _residual(logs: Array) -> float:
    """Sum of squares of what is neither a setting's nor a seed's."""
    if logs.size == 0:
        return 0.0
    left = logs - logs.mean(axis=0)
    return float(((left - left.mean(axis=1, keepdims=True)) ** 2).sum())
