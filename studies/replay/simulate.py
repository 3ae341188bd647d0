"""Searches of a table: what a sampler finds after how many trials, seed by seed, beside random search."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from studies.replay.table import TrainingTable
from studies.stopping import PENALTY

Array = NDArray[np.float64]
MakeSampler = Callable[[int], BaseSampler]
"""Seed of a search -> its sampler, made once."""
RANDOM = "random"


@dataclass(frozen=True)
class Outcome:
    """One sampler over some seeds.

    best: (seeds, trials), the smallest error after each trial that ended; cost: (seeds, trials), spent by
    then, of all workers together.
    """

    sampler: str
    best: Array
    cost: Array


def replay(
    table: TrainingTable,
    sampler: str,
    make: MakeSampler,
    *,
    seeds: Sequence[int],
    trials: int,
    workers: int = 4,
    start_from: Sequence[Mapping[str, Any]] = (),
) -> Outcome:
    """Searches the table once for each seed, with so many trials under way at a time.

    start_from: settings that are tried first.  A trial takes the cost that the table says, so that results
    arrive in the order in which they would have.
    """
    runs = [list(_search(table, make(seed), trials, workers, start_from)) for seed in seeds]
    errors = np.array([[error for error, _ in run] for run in runs])
    costs = np.array([[cost for _, cost in run] for run in runs])
    return Outcome(sampler, np.minimum.accumulate(errors, axis=1), np.cumsum(costs, axis=1))


def _search(
    table: TrainingTable,
    sampler: BaseSampler,
    trials: int,
    workers: int,
    start_from: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[float, float]]:
    """Error and cost of each trial, in the order in which they end."""
    study = optuna.create_study(sampler=sampler)
    for settings in start_from:
        study.enqueue_trial(dict(settings))
    space = dict(table.space)
    running: list[tuple[float, int, int, Any]] = []
    now, asked = 0.0, 0
    while asked < trials or running:
        while asked < trials and len(running) < workers:
            trial = study.ask(space)
            row = table.nearest(trial.params)
            heapq.heappush(running, (now + table.costs[row], asked, row, trial))
            asked += 1
        now, _, row, trial = heapq.heappop(running)
        error = float(table.errors[row])
        study.tell(trial, min(error, PENALTY), TrialState.COMPLETE)
        yield error, float(table.costs[row])


def wins(outcome: Outcome, against: Outcome, trials: int) -> tuple[float, int]:
    """The share of seeds whose best after so many trials is smaller than the other's, ties by halves; n."""
    ours, theirs = outcome.best[:, trials - 1], against.best[:, trials - 1]
    return float(((ours < theirs) + 0.5 * (ours == theirs)).mean()), len(ours)


def wins_at_cost(outcome: Outcome, against: Outcome, trials: int) -> tuple[float, int]:
    """As `wins`, the other given as much cost as the trials took, not as many trials."""
    ours, theirs = outcome.best[:, trials - 1], []
    for spent, best, cost in zip(outcome.cost[:, trials - 1], against.best, against.cost, strict=True):
        within = np.flatnonzero(cost <= spent)
        theirs.append(best[within[-1]] if len(within) else np.inf)
    other = np.array(theirs)
    return float(((ours < other) + 0.5 * (ours == other)).mean()), len(ours)


def summarise(
    table: TrainingTable, outcomes: Sequence[Outcome], trials: Sequence[int]
) -> list[dict[str, Any]]:
    """A row for each sampler and number of trials.

    error and regret: the median over seeds of the best error, and of its ratio to the table's best.
    beats_random, at as many trials, and beats_random_at_cost; random_trials: how many trials at random reach
    the median error with even chances.
    """
    (random,) = [outcome for outcome in outcomes if outcome.sampler == RANDOM]
    rows = []
    for outcome in outcomes:
        for count in trials:
            error = float(np.median(outcome.best[:, count - 1]))
            share, n = wins(outcome, random, count)
            at_cost, _ = wins_at_cost(outcome, random, count)
            rows.append(
                {
                    "sampler": outcome.sampler,
                    "trials": count,
                    "error": error,
                    "regret": error / table.best if table.best > 0 else np.nan,
                    "beats_random": share if outcome is not random else np.nan,
                    "beats_random_at_cost": at_cost if outcome is not random else np.nan,
                    "random_trials": table.trials_of_random(error),
                    "cost": float(np.median(outcome.cost[:, count - 1])),
                    "n": n,
                }
            )
    return rows
