"""The logical clock of a search: in which order its trials reach their rungs, whatever the machine does.

Each trial runs on one of a stated number of virtual workers and takes, for each iteration, a time that is a
function of its setup alone.  The order of events in that time decides what is compared with what and which
results a suggestion knows; so the same seed is the same search on any machine, with any number of workers,
and after any interruption.  Real workers only have to fetch results, and may do so in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dgm_core import Setup
from dgm_core.networks import count_parameters
from dgm_core.training.solution import Solution

_LAYER_MS = 0.126
_PRODUCT_MS = 1.44e-7
_START_MS = 180.0
_POLISH = 5.0
"""Steps that an iteration of L-BFGS costs: float64, and more than one evaluation."""
_TOLD_SILENCE = 120.0
_LEAST_SILENCE = 600.0
_ESTIMATES = 10.0
"""Estimated trainings that one may be silent for."""


def iteration_cost(setup: Setup, replicates: int) -> float:
    """Nominal milliseconds of one iteration of all replicates, the same on every machine.

    A share for each layer and one for the products of points and parameters, fitted roughly to one core of a
    server of 2024.  Where it is wrong workers wait for each other and a budget is not the seconds that it
    says; the search is the same nevertheless.
    """
    return _step_cost(setup, replicates, setup.config.batch_size)


def training_times(setup: Setup, replicates: int, stops: Sequence[int]) -> tuple[float, ...]:
    """Nominal milliseconds after which a training has passed each of its `stops`, its start included.

    A polish counts with all iterations that it may take, at the end of each time window.
    """
    config = setup.config
    step = iteration_cost(setup, replicates)
    polish = _POLISH * config.polish_iterations * _step_cost(setup, replicates, config.polish_points)
    return tuple(
        _START_MS + step * stop + polish * (config.windows * stop // config.iterations) for stop in stops
    )


def silence_allowed(setup: Setup, replicates: int) -> float:
    """Seconds for which a training may make no progress, where nothing else is said: it reports twice a
    second, and the estimate of the whole may be wrong by much."""
    (estimated,) = training_times(setup, replicates, (setup.config.iterations,))
    return max(_LEAST_SILENCE, _ESTIMATES * estimated / 1000.0)


def told_after(allowed: float) -> float:
    """Seconds after which it is said that a training makes no progress."""
    return min(_TOLD_SILENCE, allowed / 4.0)


def polish_cost(setup: Setup, replicates: int) -> float:
    """Nominal cost of a time window's polish, with all the iterations it may take, in optimizer steps."""
    config = setup.config
    if not config.polish_iterations:
        return 0.0
    each = _step_cost(setup, replicates, config.polish_points)
    return _POLISH * config.polish_iterations * each / iteration_cost(setup, replicates)


def _step_cost(setup: Setup, replicates: int, batch_size: int) -> float:
    config = setup.config
    parameters = count_parameters(Solution(setup, [0])) / config.windows
    points = sum(region.count(batch_size) for region in setup.problem.regions().values())
    return _LAYER_MS * (config.depth + 1) + _PRODUCT_MS * points * replicates * parameters


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
