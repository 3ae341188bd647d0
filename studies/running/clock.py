"""The logical clock of a search: in which order its trials reach their rungs, whatever the machine does.

Each trial runs on one of a stated number of virtual workers and takes, for each iteration, a time that is a
function of its setup alone.  The order of events in that time decides what is compared with what and which
results a suggestion knows; so the same seed is the same search on any machine, with any number of workers,
and after any interruption.  Real workers only have to fetch results, and may do so in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dgm_core import Setup
from dgm_core.networks import count_parameters
from dgm_core.training.solution import Solution

_LAYER_MS = 0.35
_PRODUCT_MS = 4e-7
_START_MS = 500.0


def iteration_cost(setup: Setup, replicates: int) -> float:
    """Nominal milliseconds of one iteration of all replicates, the same on every machine.

    A share for each layer and one for the products of points and parameters, fitted roughly to one core of a
    server of 2024.  Where it is wrong workers wait for each other, and nothing else changes.
    """
    config = setup.config
    parameters = count_parameters(Solution(setup, [0])) / config.windows
    points = sum(region.count(config.batch_size) for region in setup.problem.regions().values())
    return _LAYER_MS * (config.depth + 1) + _PRODUCT_MS * points * replicates * parameters


@dataclass
class Lane:
    """A trial on its virtual worker: it began at `begun` and passes `stops`, the last of them its end."""

    trial: str
    begun: float
    cost: float
    stops: tuple[int, ...]
    passed: int = 0

    @property
    def stop(self) -> int:
        """The iteration of its next event."""
        return self.stops[self.passed]

    @property
    def due(self) -> float:
        """The time of its next event."""
        return self.begun + _START_MS + self.cost * self.stop


@dataclass
class Clock:
    """Lanes of a stated number of virtual workers, and the time of the last event."""

    workers: int
    now: float = 0.0
    lanes: dict[str, Lane] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        """Whether a virtual worker has no trial."""
        return len(self.lanes) < self.workers

    def begin(self, trial: str, cost: float, stops: tuple[int, ...]) -> None:
        """Puts a trial on a free worker, now."""
        self.lanes[trial] = Lane(trial, self.now, cost, stops)

    def next(self) -> Lane | None:
        """The lane of the next event; of two at once that of the trial suggested first."""
        return min(self.lanes.values(), key=lambda lane: lane.due, default=None)

    def pass_by(self, lane: Lane) -> None:
        """Moves the time to a lane's event and the lane past it."""
        self.now = lane.due
        lane.passed += 1

    def end(self, lane: Lane) -> None:
        """Moves the time to a lane's event and frees its worker."""
        self.now = lane.due
        del self.lanes[lane.trial]
