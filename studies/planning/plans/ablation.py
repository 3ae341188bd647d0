"""An ablation: every arm's learning rate where that is asked for, then every arm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from studies.planning.plans.base import Arms, PlanStage, StudyPlan
from studies.planning.plans.replicates import arm_trials
from studies.planning.trial import Trial
from studies.records.events import Event, Metrics
from studies.study import Ablation, replicate_seeds


class AblationPlan(StudyPlan):
    """Arms over the same seeds; `rates` holds what was tuned, once it is known."""

    def __init__(self, study: Ablation, seed: int) -> None:
        self._study = study
        self._seed = seed
        self._tried: dict[str, tuple[str, float]] = {}
        self.tuning = self._tuning() if study.tuned_rate else None
        self.rates: dict[str, float] = {}
        self.arms: Arms | None = None
        self._begin_arms()

    @property
    def stages(self) -> Sequence[PlanStage]:
        return [stage for stage in (self.tuning, self.arms) if stage is not None]

    def ready(self) -> Iterator[Trial]:
        for stage in self.stages:
            yield from stage.ready()

    def report(self, name: str, metrics: Metrics) -> list[Event]:
        events = super().report(name, metrics)
        self._begin_arms()
        return events

    def fail(self, name: str) -> list[Event]:
        events = super().fail(name)
        self._begin_arms()
        return events

    def _tuning(self) -> Arms:
        seeds = replicate_seeds(self._seed, "tune", self._study.replicates)
        trials: list[tuple[Trial, float]] = []
        for arm in self._study.arms:
            for rate in self._study.rates:
                change = {"learning_rate": rate}
                setup = self._study.setup(arm).changed(change)
                name = f"{arm} @ {rate:g}"
                trials += arm_trials("tune", name, setup, seeds, key=arm, changes=change, index=len(trials))
                self._tried[trials[-1][0].name] = (arm, rate)
        return Arms(trials)

    def _begin_arms(self) -> None:
        if self.arms is not None or (self.tuning is not None and not self.tuning.done):
            return
        if self.tuning is not None:
            self.rates = self._best_rates(self.tuning)
        seeds = replicate_seeds(self._seed, "ablation", self._study.replicates)
        trials: list[tuple[Trial, float]] = []
        for arm in self._study.arms:
            changes = {"learning_rate": self.rates[arm]} if self.rates else {}
            setup = self._study.setup(arm).changed(changes)
            trials += arm_trials("ablation", arm, setup, seeds, key=arm, changes=changes, index=len(trials))
        self.arms = Arms(trials)

    def _best_rates(self, tuning: Arms) -> dict[str, float]:
        """Every arm's rate of the lowest score over the tuning seeds, of equal ones the smallest."""
        best = {arm: (math.inf, max(self._study.rates)) for arm in self._study.arms}
        for name, (arm, rate) in self._tried.items():
            best[arm] = min(best[arm], (tuning.score(name), rate))
        return {arm: rate for arm, (_, rate) in best.items()}
