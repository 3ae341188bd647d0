"""What searches of tables come to: shares of seeds that beat random search, and regret against cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studies.records.intervals import median_interval
from studies.replay.simulate import ReplayOutcome
from studies.replay.table import TrainingTable

Array = NDArray[np.float64]

_RESAMPLES = 2_000
_POINTS = 12
"""Costs at which regret is told."""


class Estimate(NamedTuple):
    """A number and its 95 % interval."""

    point: float
    low: float
    high: float


def beats(outcome: ReplayOutcome, random: ReplayOutcome, trials: int, *, at_cost: bool = True) -> Estimate:
    """How likely a search of so many trials finds a smaller error than random search; ties count half.

    The mean of `shares`; the interval is a bootstrap over the seeds of both.
    """
    return pooled([shares(outcome, random, trials, at_cost=at_cost)])


def pooled(tables: Sequence[Array]) -> Estimate:
    """The mean over tables of the mean of each, (seeds, seeds of random), or of differences of such.

    The interval is a bootstrap over the seeds within each table: it holds for these tables, not for others.
    """
    rng = np.random.default_rng(0)
    draws = np.mean([_resampled(each, rng) for each in tables], axis=0)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Estimate(float(np.mean([each.mean() for each in tables])), float(low), float(high))


def _resampled(table: Array, rng: np.random.Generator) -> Array:
    """Means over resampled seeds, (resamples,)."""
    s, r = table.shape
    ours = rng.multinomial(s, np.full(s, 1 / s), _RESAMPLES) / s
    theirs = rng.multinomial(r, np.full(r, 1 / r), _RESAMPLES) / r
    return np.asarray(np.einsum("bs,sr,br->b", ours, table, theirs, optimize=True))


def shares(outcome: ReplayOutcome, random: ReplayOutcome, trials: int, *, at_cost: bool = True) -> Array:
    """(seeds, seeds of random): 1 where a search is better than a random one, ½ where they are equal.

    The random one is given as much cost as the search took (at least one trial), or with `at_cost` false as
    many trials.
    """
    ours = outcome.best[:, trials - 1]
    if at_cost:
        spent = outcome.cost[:, trials - 1]
        columns = [best_at(random, cost, least=True) for cost in spent]
        theirs = np.array(columns)
    else:
        theirs = np.broadcast_to(random.best[:, trials - 1], (len(ours), len(random.best)))
    return (ours[:, None] < theirs) + 0.5 * (ours[:, None] == theirs)


def best_at(outcome: ReplayOutcome, cost: float, *, least: bool = False) -> Array:
    """The best error of each seed within a cost, (seeds,); infinite where no trial had ended by then.

    least: that of the first trial then.
    """
    ended = (outcome.cost <= cost).sum(axis=1)
    place = np.maximum(ended - 1, 0)
    best = np.take_along_axis(outcome.best, place[:, None], axis=1)[:, 0]
    return best if least else np.where(ended > 0, best, np.inf)


def regret(table: TrainingTable, errors: Array) -> Estimate:
    """The median over seeds of the ratio to the table's best error, with the interval of a median."""
    return Estimate(*median_interval(errors / table.best)) if table.best > 0 else Estimate(*[np.nan] * 3)


def anytime(table: TrainingTable, outcome: ReplayOutcome, costs: Sequence[float]) -> list[Estimate]:
    """The regret within each cost; only as far as all seeds have come is it that of whole searches."""
    return [regret(table, best_at(outcome, cost)) for cost in costs]


def cost_grid(random: ReplayOutcome, trials: int) -> list[float]:
    """Costs from that of a trial to that of so many, evenly on a logarithmic scale."""
    end = float(np.median(random.cost[:, trials - 1]))
    return [float(cost) for cost in np.geomspace(end / trials, end, _POINTS)]


def summarise(
    table: TrainingTable, outcomes: Sequence[ReplayOutcome], random: ReplayOutcome, trials: Sequence[int]
) -> list[dict[str, Any]]:
    """A row for each method and number of trials.

    error: the median over seeds of the best error.  regret: that of its ratio to the table's best.
    beats_random, at equal cost, and beats_random_by_trials: see `beats`, each with its interval.
    random_trials: how many trials at random reach the median error with even chances.
    cost: the median, and cost_of_random what as many random trials took.
    """
    rows = []
    for outcome in outcomes:
        for count in trials:
            error = float(np.median(outcome.best[:, count - 1]))
            row: dict[str, Any] = {
                "method": str(outcome.method),
                "trials": count,
                "error": error,
                "random_trials": table.trials_of_random(error),
                "cost": float(np.median(outcome.cost[:, count - 1])),
                "cost_of_random": float(np.median(random.cost[:, count - 1])),
                "n": len(outcome.best),
            }
            row |= _spread("regret", regret(table, outcome.best[:, count - 1]))
            row |= _spread("beats_random", beats(outcome, random, count))
            row |= _spread("beats_random_by_trials", beats(outcome, random, count, at_cost=False))
            rows.append(row)
    return rows


def overall(
    searched: Sequence[tuple[Sequence[ReplayOutcome], ReplayOutcome]], trials: Sequence[int]
) -> list[dict[str, Any]]:
    """A row for each method and number of trials, over all tables.

    searched: of each table the outcomes of the same methods, and random search.  beats_random: at equal cost,
    the mean over tables.  ahead: how much more often than the first method, seed by seed.
    """
    rows = []
    for place, outcome in enumerate(searched[0][0]):
        for count in trials:
            base = [shares(outcomes[0], random, count) for outcomes, random in searched]
            ours = [shares(outcomes[place], random, count) for outcomes, random in searched]
            row: dict[str, Any] = {"method": str(outcome.method), "trials": count, "tables": len(searched)}
            row |= _spread("beats_random", pooled(ours))
            row |= _spread("ahead", pooled([b - a for a, b in zip(base, ours, strict=True)]))
            rows.append(row)
    return rows


def _spread(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.point, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
