"""Searches of a table by the parts that a study is made of: suggestions, rule of early stopping, clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgm_core.errors import ConfigurationError
from studies.planning.clock import Clock
from studies.planning.suggesting import Suggestions
from studies.records.events import Metrics, Replicates
from studies.replay.method import Method
from studies.replay.table import TrainingTable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ReplayOutcome:
    """One method over some seeds.

    best: (seeds, trials), the smallest error of the trials that were trained to their ends, after each trial
    that ended; infinite before the first.  cost: (seeds, trials), spent by then on all trials that ended.
    """

    method: Method
    best: Array
    cost: Array


def check(table: TrainingTable, method: Method, trials: int) -> None:
    """Raises ConfigurationError where the method cannot serve the table, or is none."""
    method.check(table.space, trials)
    if method.stops and not table.rungs:
        raise ConfigurationError(
            f"{table.name} cannot be searched with early stopping: it has no column like {table.error}@1000."
        )


def replay(
    table: TrainingTable,
    method: Method,
    *,
    seeds: Sequence[int],
    trials: int,
    workers: int = 4,
    start_from: Sequence[Mapping[str, Any]] = (),
    on_seed: Callable[[int], None] = lambda done: None,
) -> ReplayOutcome:
    """Searches the table once for each seed, as a `Search` of so many trials and workers would.

    start_from: settings that are tried first.  A trial takes the time that the table says it cost, so that
    results arrive in the order in which they would have.  on_seed: called after each seed.  Raises
    ConfigurationError where the method cannot serve the table.
    """
    check(table, method, trials)
    runs = []
    for done, seed in enumerate(seeds, start=1):
        runs.append(list(_search(table, method, seed, trials, workers, start_from)))
        on_seed(done)
    errors = np.array([[error for error, _ in run] for run in runs])
    costs = np.array([[cost for _, cost in run] for run in runs])
    return ReplayOutcome(method, np.minimum.accumulate(errors, axis=1), np.cumsum(costs, axis=1))


def _search(
    table: TrainingTable,
    method: Method,
    seed: int,
    trials: int,
    workers: int,
    start_from: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[float, float]]:
    """Error and cost of each trial in the order in which they end: infinity where it was stopped early.

    The order of events is that of `studies.planning.plans.clocked`.
    """
    suggestions = Suggestions(table.space, method.make_sampler(table.space), seed=seed)
    rule, clock, rows = method.make_rule(table.max_t), Clock(workers), list[int]()
    while True:
        while clock.free and len(rows) < trials:
            number = len(rows)
            known = start_from[number] if number < len(start_from) else None
            rows.append(table.nearest(suggestions.suggest(known)))
            end = table.end(rows[-1])
            stops = (*(rung for rung in rule.rungs(number) if rung < end), end)
            clock.begin(str(number), stops, tuple(table.cost(rows[-1], stop) for stop in stops))
        scheduled = clock.next()
        if scheduled is None:
            return
        number, stop = int(scheduled.trial), scheduled.stop
        row = rows[number]
        final = stop == scheduled.stops[-1]
        metrics = trained(stop, table.score(row, stop), final)
        if final:
            clock.end(scheduled)
            rule.end(number, stop, metrics.value)
            suggestions.complete(number, metrics)
            yield metrics.value, table.cost(row, stop)
            continue
        look = rule.look(number, stop, metrics.value)
        suggestions.report(number, metrics)
        if look.stopped:
            clock.end(scheduled)
            suggestions.stop(number)
            yield math.inf, table.cost(row, stop)
        else:
            clock.pass_by(scheduled)


_NONE = Replicates(status=[], scores=[], errors={}, losses=[], diverged_at=[])


def trained(iterations: int, score: float, final: bool) -> Metrics:
    """What a study would have been told."""
    return Metrics(
        iterations=iterations,
        score=score if math.isfinite(score) else None,
        final=final,
        loss=None,
        seconds=0.0,
        parameters=0,
        replicates=_NONE,
    )
