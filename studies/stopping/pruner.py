"""Any of Optuna's pruners, by a function that makes it."""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.pruners import BasePruner
from optuna.trial import Trial, TrialState

from dgm_core import ConfigurationError
from studies.stopping.base import Finite, Look, Rule


class PrunerRule(Rule):
    """Asks a pruner at the rungs of successive halving, in a study that holds scores and no settings.

    What it decides with is its own: looks have no cutoff.
    """

    name = "pruner"

    def __init__(
        self, factory: Callable[[], BasePruner], grace_period: int, reduction_factor: int, max_t: int
    ) -> None:
        super().__init__(grace_period, reduction_factor, max_t)
        pruner = factory()
        if not isinstance(pruner, BasePruner):
            raise ConfigurationError(
                f"early_stopping returned a {type(pruner).__name__}: it must return one of Optuna's pruners."
            )
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # Named, because Optuna's Hyperband deals trials to its brackets by the study's name.
        self._study = optuna.create_study(study_name="search", pruner=pruner)
        self._trials: list[Trial] = []
        self._told = Finite()

    def rungs(self, number: int) -> tuple[int, ...]:
        while len(self._trials) <= number:
            self._trials.append(self._study.ask())
        return self.geometric(self.grace_period)

    def look(self, number: int, rung: int, score: float) -> Look:
        trial = self._trials[number]
        trial.report(self._told(score), rung)
        stopped = trial.should_prune()
        if stopped:
            self._study.tell(trial, state=TrialState.PRUNED)
        return Look(stopped=stopped)

    def end(self, number: int, iterations: int, score: float | None) -> None:
        if score is None:
            self._study.tell(self._trials[number], state=TrialState.FAIL)
        else:
            self._study.tell(self._trials[number], self._told(score))
