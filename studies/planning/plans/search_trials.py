"""What the trials of a search are, in whatever order they are decided on."""

from __future__ import annotations

from studies.planning.plans.base import Known, PlanStage
from studies.planning.trial import Trial
from studies.records.events import Metrics
from studies.study import Search, replicate_seeds


class SearchTrials(PlanStage):
    """The trials of a search on its seeds, those that completed and those that were stopped early.

    known: settings by trial, of those that the log has already.  stopped: trials with the rung that stopped
    them, in the order in which that was decided.
    """

    def __init__(self, study: Search, seed: int, known: Known) -> None:
        self._study = study
        self._seeds = tuple(replicate_seeds(seed, "search", study.replicates))
        self._known = known
        self._trials: dict[str, Trial] = {}
        self.completed: dict[str, Metrics] = {}
        self.stopped: dict[str, tuple[Trial, int]] = {}

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of each trial's replicates."""
        return self._seeds

    @property
    def ranked(self) -> list[Trial]:
        """The completed trials, the lowest score first; of equal scores the earlier trial first."""
        done = [self._trials[name] for name in self.completed]
        return sorted(done, key=lambda trial: (self.completed[trial.name].value, trial.index))

    @property
    def best(self) -> Trial | None:
        """The completed trial of the lowest score; None where none completed."""
        return next(iter(self.ranked), None)
