"""The logical clock of a search: in which order its trials reach their rungs, whatever the machine does.

Each trial runs on one of a stated number of virtual workers and takes, for each iteration, a time that is a
function of its setup alone.  The order of events in that time decides what is compared with what and which
results a suggestion knows; so the same seed is the same search on any machine, with any number of workers,
and after any interruption.  Real workers only have to fetch results, and may do so in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dgm_core import Setup
from studies.cost import training_times

_TOLD_SILENCE = 120.0
_LEAST_SILENCE = 600.0
_ESTIMATES = 10.0
"""Estimated trainings that one may be silent for."""


def silence_allowed(setup: Setup, replicates: int) -> float:
    """Seconds for which a training may make no progress, where nothing else is said: it reports twice a
    second, and the estimate of the whole may be wrong by much."""
    (estimated,) = training_times(setup, replicates, (setup.config.iterations,))
    return max(_LEAST_SILENCE, _ESTIMATES * estimated / 1000.0)


def told_after(allowed: float) -> float:
    """Seconds after which it is said that a training makes no progress."""
    return min(_TOLD_SILENCE, allowed / 4.0)


@dataclass
class ScheduledTrial:
    """A trial on its virtual worker: it began at `begun` and passes `stops`, the last of them its end.

    times: after which it passes each, in milliseconds.
    """

    trial: str
    begun: float
    stops: tuple[int, ...]
    times: tuple[float, ...]
    passed: int = 0

    @property
    def stop(self) -> int:
        """The iteration of its next event."""
        return self.stops[self.passed]

    @property
    def last(self) -> int:
        """The iteration of its last event, 0 before the first."""
        return self.stops[self.passed - 1] if self.passed else 0

    @property
    def due(self) -> float:
        """The time of its next event."""
        return self.begun + self.times[self.passed]


@dataclass
class Clock:
    """The trials on a stated number of virtual workers, and the time of the last event, in milliseconds."""

    workers: int
    now: float = 0.0
    scheduled: dict[str, ScheduledTrial] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        """Whether a virtual worker has no trial."""
        return len(self.scheduled) < self.workers

    def begin(self, trial: str, stops: tuple[int, ...], times: tuple[float, ...]) -> None:
        """Puts a trial on a free worker, now."""
        self.scheduled[trial] = ScheduledTrial(trial, self.now, stops, times)

    def next(self) -> ScheduledTrial | None:
        """The trial whose event is next; of two at once the one that was suggested first."""
        return min(self.scheduled.values(), key=lambda scheduled: scheduled.due, default=None)

    def pass_by(self, scheduled: ScheduledTrial) -> None:
        """Moves the time to a trial's event and the trial past it."""
        self.now = scheduled.due
        scheduled.passed += 1

    def end(self, scheduled: ScheduledTrial) -> None:
        """Moves the time to a trial's event and frees its worker."""
        self.now = scheduled.due
        del self.scheduled[scheduled.trial]

    def drop(self, scheduled: ScheduledTrial) -> None:
        """Takes a trial away before its next event."""
        del self.scheduled[scheduled.trial]


MakeClock = Callable[[int], Clock]
"""The clock of a search with so many workers."""
