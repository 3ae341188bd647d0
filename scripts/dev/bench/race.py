"""Who is how accurate after how much time: trainings of one problem, seed by seed, on one thread."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from dgm_core.registry import Registry

Clock = Callable[[], float]
Course = Iterator[Callable[[], float]]
"""Trains a little further each time, and gives what measures the error then, a relative 2-norm."""
Lap = tuple[float, float]
"""(seconds of training so far, error then)."""


@dataclass(frozen=True)
class Runner:
    """One way to train.  course: of a seed, prepared but not begun.  needs: packages without which it is left
    out."""

    name: str
    course: Callable[[int], Course]
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]


@dataclass(frozen=True)
class RaceHeat:
    """The runners on one problem; the first sets the error to be reached and the time to do it in."""

    title: str
    runners: tuple[Runner, ...]


@dataclass(frozen=True)
class Race:
    """Heats of one kind."""

    name: str
    about: str
    heats: Callable[[], Iterable[RaceHeat]]


@dataclass(frozen=True)
class Standing:
    """Medians over seeds of one runner.

    error, seconds: at its own end, or where its time was up.  reached: seconds to the error at which the
    first runner ends; infinite where half of the seeds do not reach it before they stop.  error_then: at the
    time at which that one ends.
    """

    heat: str
    runner: str
    seeds: int
    error: float
    seconds: float
    reached: float
    error_then: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def run(
    heat: RaceHeat, seeds: Sequence[int], clock: Clock = time.process_time, patience: float = 1.0
) -> list[Standing]:
    """The standings of a heat's runners that can run.

    All but the first stop after the first's median time, times `patience`.
    """
    standings: list[Standing] = []
    goal, limit = 0.0, math.inf
    for runner in heat.runners:
        if runner.missing:
            continue
        laps = [_laps(runner.course(seed), patience * limit, clock) for seed in seeds]
        ends = [runner_results[-1] for runner_results in laps]
        error = statistics.median(error for _, error in ends)
        seconds = statistics.median(spent for spent, _ in ends)
        if not standings:
            goal, limit = error, seconds
        reached = statistics.median(_reached(runner_results, goal) for runner_results in laps)
        then = statistics.median(_error_at(runner_results, limit) for runner_results in laps)
        if not standings:  # what it is compared with is its own end
            reached, then = seconds, error
        standings.append(Standing(heat.title, runner.name, len(seeds), error, seconds, reached, then))
    return standings


def _laps(course: Course, limit: float, clock: Clock) -> list[Lap]:
    """Those of one training, whose measurements take no time."""
    laps: list[Lap] = []
    spent, begin = 0.0, clock()
    for measure in course:
        spent += clock() - begin
        error = measure()
        laps.append((spent, error if math.isfinite(error) else math.inf))
        if spent >= limit:
            break
        begin = clock()
    return laps


def _reached(laps: Sequence[Lap], goal: float) -> float:
    return next((spent for spent, error in laps if error <= goal), math.inf)


def _error_at(laps: Sequence[Lap], limit: float) -> float:
    there = [error for spent, error in laps if spent <= limit]
    return there[-1] if there else math.inf


def markdown(standings: Sequence[Standing]) -> str:
    """A table; a heat is named in its first row."""
    rows = [
        (
            "problem",
            "by",
            "ends at",
            "after (s)",
            "reaches the first's error in (s)",
            "of its time",
            "error then",
        )
    ]
    before, first = None, math.nan
    for standing in standings:
        if standing.heat != before:
            before, first, title = standing.heat, standing.seconds, standing.heat
        else:
            title = ""
        share = f"1/{first / standing.reached:.1f}" if 0 < standing.reached < math.inf else "–"
        reached = f"{standing.reached:.2f}" if standing.reached < math.inf else "not"
        rows.append(
            (
                title,
                standing.runner,
                f"{standing.error:.1e}",
                f"{standing.seconds:.2f}",
                reached,
                share,
                f"{standing.error_then:.1e}",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def _defined(module: ModuleType) -> Iterator[tuple[str, Race]]:
    for value in vars(module).values():
        if isinstance(value, Race):
            yield value.name, value


RACES: Registry[Race] = Registry("race", "dev.bench.races", _defined)
