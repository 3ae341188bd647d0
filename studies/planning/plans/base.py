"""What plans share: stages, and how a trial ends."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from studies.planning.trial import Trial
from studies.records.events import Decided, Ended, Event, Exploited, Metrics, Status

Known = Mapping[str, Mapping[str, Any]]
"""Settings by trial, of those that a log has already."""


class PlanStage(ABC):
    """Trials that can run beside each other.

    Told what its trials report, in any order, it says which trials can start, what is decided and which have
    ended; all of that is a function of what it was told.
    """

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether all its trials have ended and no more will come."""

    @abstractmethod
    def ready(self) -> Iterator[Trial]:
        """Trials that can start and have not been taken, the first to be started first."""

    @abstractmethod
    def take(self, name: str) -> Trial:
        """Marks a trial as started, or as told of.  Raises KeyError where none of that name can start."""

    @abstractmethod
    def owns(self, name: str) -> bool:
        """Whether a trial that was taken is of this stage."""

    @abstractmethod
    def report(self, name: str, metrics: Metrics) -> list[Event]:
        """A trial reached a rung or its end: what follows."""

    @abstractmethod
    def fail(self, name: str) -> list[Event]:
        """A trial was given up: what follows."""

    def waits(self, name: str) -> bool:
        """Whether a trial stands at a rung whose decision needs results of others."""
        return False


class StudyPlan(ABC):
    """The stages of a study."""

    @property
    @abstractmethod
    def stages(self) -> Sequence[PlanStage]:
        """Those that have begun."""

    @abstractmethod
    def ready(self) -> Iterator[Trial]:
        """Trials that can start, in the order in which they are to."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return all(stage.done for stage in self.stages)

    def take(self, name: str) -> Trial:
        """Marks a trial as started.  Raises KeyError where none of that name can start."""
        for stage in self.stages:
            with suppress(KeyError):
                return stage.take(name)
        raise KeyError(name)

    def report(self, name: str, metrics: Metrics) -> list[Event]:
        """A trial reached a rung or its end: what follows."""
        return self.stage(name).report(name, metrics)

    def fail(self, name: str) -> list[Event]:
        """A trial was given up: what follows."""
        return self.stage(name).fail(name)

    def cut(self) -> list[Event]:
        """The time is up: what follows.  Nothing, where a plan knows no limit."""
        return []

    def waits(self, name: str) -> bool:
        """Whether a trial stands at a rung whose decision needs results of others."""
        return self.stage(name).waits(name)

    def offer(self, changes: Mapping[str, Any]) -> Trial:
        """A trial of somebody else's choice, where a plan takes them.  Raises KeyError where it does not."""
        raise KeyError("this plan chooses its own trials")

    def exploit(self, event: Exploited) -> Trial:
        """A trial takes over another's weights: itself as it goes on.  Raises KeyError where a plan knows no
        such thing."""
        raise KeyError("the trials of this plan keep their settings")

    def decide(self, decided: Decided) -> list[Event]:
        """Somebody else's early stopping has looked at a trial: what follows.  Nothing, where a plan has its
        own."""
        return []

    def stage(self, name: str) -> PlanStage:
        """Of a trial that was taken."""
        return next(stage for stage in self.stages if stage.owns(name))


class Arms(PlanStage):
    """Trials that run to their own ends, whatever the others do; the longest start first."""

    def __init__(self, trials: Sequence[tuple[Trial, float]]) -> None:
        ordered = sorted(trials, key=lambda each: (-each[1], each[0].index))
        self._ready = {trial.name: trial for trial, _ in ordered}
        self._taken: dict[str, Trial] = {}
        self.measured: dict[str, Metrics] = {}
        self.statuses: dict[str, Status] = {}

    @property
    def trials(self) -> list[Trial]:
        """Those that have been started."""
        return list(self._taken.values())

    @property
    def done(self) -> bool:
        return not self._ready and len(self.statuses) == len(self._taken)

    def ready(self) -> Iterator[Trial]:
        return iter(list(self._ready.values()))

    def take(self, name: str) -> Trial:
        self._taken[name] = self._ready.pop(name)
        return self._taken[name]

    def owns(self, name: str) -> bool:
        return name in self._taken

    def report(self, name: str, metrics: Metrics) -> list[Event]:
        self.measured[name] = metrics
        if not metrics.final:
            return []
        return self._end(ended(name, metrics))

    def fail(self, name: str) -> list[Event]:
        iterations = self.measured[name].iterations if name in self.measured else 0
        return self._end(Ended(trial=name, status="failed", iterations=iterations))

    def drop(self) -> None:
        """Forgets the trials that have not started."""
        self._ready.clear()

    def score(self, name: str) -> float:
        """Of a trial, infinite where it has none."""
        return self.measured[name].value if name in self.measured else math.inf

    def _end(self, event: Ended) -> list[Event]:
        self.statuses[event.trial] = event.status
        return [event]


def ended(name: str, metrics: Metrics, rung: int | None = None) -> Ended:
    """How a trial ends that was measured at its own end, or is stopped at a rung."""
    status: Status = "diverged" if metrics.diverged else "completed" if rung is None else "stopped"
    return Ended(trial=name, status=status, iterations=metrics.iterations, rung=rung)
