"""`scripts/order`: what it costs that a search's order is that of a logical clock, by simulation.

Workers that share their cores evenly train the trials of a search's real plan; only the trainings are made
up: a trial's iteration takes what the clock takes it for, times a factor that differs from trial to trial
(log-normal), and its error follows a curve with a random end.  Compared is the same search whose events come
in the order in which they arrive, as asynchronous successive halving has it.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dev.searches import load_search
from dgm_cli.common import messages
from studies.cost import iteration_cost
from studies.planning.clock import Clock, ScheduledTrial
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.planning.trial import Trial
from studies.records.events import Metrics, Replicates
from studies.records.log import Log
from studies.study import Search


class ReportOrder(Clock):
    """In place of the logical clock: the next event is that of the trial which reported first."""

    def __init__(self, workers: int, order: list[str]) -> None:
        super().__init__(workers)
        self.order = order
        """Trials that have reported and are not yet seen to."""

    def next(self) -> ScheduledTrial | None:
        return next((self.scheduled[name] for name in self.order if name in self.scheduled), super().next())


@dataclass
class SimulatedTraining:
    """A made-up training: how far it is, in iterations, and what an iteration takes, in seconds."""

    trial: Trial
    cost: float
    floor: float
    done: float = 0.0
    waiting: bool = False

    @property
    def stops(self) -> tuple[int, ...]:
        return (*self.trial.rungs, self.trial.setup.config.iterations)

    @property
    def stop(self) -> int:
        return next(stop for stop in self.stops if stop > self.done)

    def metrics(self) -> Metrics:
        at, end = round(self.done), self.trial.setup.config.iterations
        score = self.floor + 3.0 / math.sqrt(at)
        count = len(self.trial.seeds)
        replicates = Replicates(
            status=["completed"] * count,
            scores=[score] * count,
            errors={},
            losses=[[score]] * count,
            diverged_at=[None] * count,
        )
        return Metrics(
            iterations=at,
            score=score,
            final=at == end,
            loss=score,
            seconds=0.0,
            parameters=1,
            replicates=replicates,
        )


def simulate(study: Search, cores: int, spread: float, seed: int, *, logical: bool) -> tuple[float, float]:
    """Seconds to the end of a search with its confirmation, and the share of them that its cores idled or
    trained what did not count."""
    arrived: list[str] = []
    plan = SearchPlan(study, seed, {}, Clock if logical else partial(ReportOrder, order=arrived))
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder)) as log:
        return _simulate(Course(plan, log), arrived, cores, spread, seed)


def _simulate(
    course: Course, arrived: list[str], cores: int, spread: float, seed: int
) -> tuple[float, float]:
    now, live = 0.0, dict[str, SimulatedTraining]()
    costs: dict[str, float] = {}
    while True:
        _start(course, cores, spread, seed, live, costs)
        training = [each for each in live.values() if not each.waiting]
        if not training:
            break
        rate = min(1.0, cores / len(training))
        first = min(training, key=lambda each: (each.stop - each.done) * each.cost)
        step = (first.stop - first.done) * first.cost / rate
        now += step
        for each in training:
            each.done = each.stop if each is first else each.done + step * rate / each.cost
        name = first.trial.name
        arrived.append(name)
        metrics = first.metrics()
        course.report(name, metrics)
        arrived.remove(name)
        first.waiting = not metrics.final and course.waits(name)
        if metrics.final:
            del live[name]
        for other in [each for each in live if not course.entry(each).running]:
            del live[other]
        for each in live.values():
            each.waiting = each.waiting and course.waits(each.trial.name)
    counted = sum(entry.iterations * costs[name] for name, entry in course.history.entries.items())
    return now, 1.0 - counted / (cores * now)


def _start(
    course: Course,
    cores: int,
    spread: float,
    seed: int,
    live: dict[str, SimulatedTraining],
    costs: dict[str, float],
) -> None:
    """Gives out trials, and lets waiting ones train ahead where cores would idle."""

    def idle() -> int:
        return max(0, cores - sum(not each.waiting for each in live.values()))

    while (trial := course.next(idle())) is not None:
        random = np.random.default_rng([seed, trial.index, len(trial.phase)])
        cost = iteration_cost(trial.setup, len(trial.seeds)) / 1e3 * math.exp(spread * random.normal())
        rate = math.log10(trial.setup.config.learning_rate) + 2.5
        live[trial.name] = SimulatedTraining(trial, cost, 0.05 * math.exp(rate**2 + random.normal()))
        costs[trial.name] = cost
    for each in live.values():
        if each.waiting and idle() > 0:
            each.waiting = False


def order(
    study: Annotated[str, typer.Option(help="A search.")] = "heat-search",
    seeds: Annotated[int, typer.Option(help="Searches of each kind.")] = 20,
    spread: Annotated[float, typer.Option(help="Of the costs, as a factor's logarithm.")] = 0.3,
) -> None:
    """Compare a search in the order of its logical clock with one in the order of arrival."""
    chosen = load_search(study)
    messages.print("| workers | idle, logical clock | idle, order of arrival | time, ratio |")
    messages.print("| --- | --- | --- | --- |")
    for cores in (1, 2, 4):
        both: Mapping[bool, np.ndarray] = {
            logical: np.array(
                [simulate(chosen, cores, spread, seed, logical=logical) for seed in range(seeds)]
            )
            for logical in (True, False)
        }
        ratio = both[True][:, 0].mean() / both[False][:, 0].mean()
        shares = [f"{100 * both[logical][:, 1].mean():.1f} %" for logical in (True, False)]
        messages.print(f"| {cores} | {' | '.join(shares)} | {ratio:.3f} |")


if __name__ == "__main__":
    typer.run(order)
