"""A training whose settings change on the way, as those of a population's trials do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dgm_core import Setup, Trainer
from dgm_core.training.adjusting import adjusted
from studies.records.events import ScheduleStep


class Scheduled:
    """A setup and the steps of its schedule; without steps, the setup alone.

    Trained through, it comes to the same bits wherever it was interrupted and whoever trained its first part.
    """

    def __init__(self, setup: Setup, schedule: Sequence[ScheduleStep] = ()) -> None:
        self._parts = [(step.iteration, setup.changed(step.settings)) for step in schedule] or [(0, setup)]

    @property
    def places(self) -> list[int]:
        """Iterations at which settings change."""
        return [iteration for iteration, _ in self._parts[1:]]

    def at(self, iteration: int) -> Setup:
        """The setup of the step after so many iterations."""
        return next(setup for start, setup in reversed(self._parts) if start <= iteration)

    def trainer(
        self, seeds: Sequence[int], state: Mapping[str, Any] | None = None, *, device: str = "cpu"
    ) -> Trainer:
        """A trainer at its beginning, or as far as a state has it.  Raises ConfigurationError where that is
        another setup's."""
        trainer = Trainer(self.at(0 if state is None else state["iteration"]), seeds, device=device)
        if state is not None:
            trainer.restore(adjusted(state, trainer.setup) if len(self._parts) > 1 else dict(state))
        return trainer

    def changed(self, trainer: Trainer) -> Trainer:
        """The trainer, or one in its place where its settings change now."""
        setup = self.at(trainer.iteration)
        if setup.config == trainer.setup.config or trainer.polishing or trainer.done:
            return trainer
        other = Trainer(setup, trainer.seeds, device=trainer.evaluation.points.device)
        other.restore(adjusted(trainer.state(), setup))
        return other

    def advance(self, trainer: Trainer, iteration: int) -> Trainer:
        """The trainer, trained to an iteration, and through the polish that follows it."""
        for place in (*self.places, iteration):
            if trainer.iteration < min(place, iteration):
                trainer = self.changed(trainer)
                trainer.advance(min(place, iteration))
        return trainer
