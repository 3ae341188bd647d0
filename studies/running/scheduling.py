"""ASHA with its evidence, and with the state that Ray forgets on a restart."""

from __future__ import annotations

import math
import time
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler

from studies.running.trainable import PENALTY, SCORE, TIME


class RecordedASHA(ASHAScheduler):
    """Asynchronous successive halving (Li et al. 2020) that keeps a row for every decision.

    At a rung a trial goes on where its score is among the best 1/reduction_factor of those that
    reached the rung before it.  `decisions` holds what was compared with what, so that a reader can
    check each stop: columns as in `studies.records.DECISION_COLUMNS`.
    """

    def __init__(self, *, max_t: int, grace_period: int, reduction_factor: int, began: float) -> None:
        super().__init__(
            time_attr=TIME,
            metric=SCORE,
            mode="min",
            max_t=max(max_t, grace_period),
            grace_period=grace_period,
            reduction_factor=reduction_factor,
            # A trial at max_t ends by itself, with a final report, and is no early stop.
            stop_last_trials=False,
        )
        self.decisions: list[dict[str, Any]] = []
        self._began = began

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        if result["final"]:
            # Its result stands; only its score is entered for others to be compared with.
            return self.CONTINUE
        due = self._due(trial.trial_id, result[TIME])
        action = super().on_trial_result(tune_controller, trial, result)
        if due is not None:
            rung, cutoff, recorded = due
            self.decisions.append(
                {
                    "trial": trial.trial_id,
                    "rung": rung,
                    "score": result[SCORE] if result[SCORE] < PENALTY else math.inf,
                    "cutoff": cutoff,
                    "recorded": recorded,
                    "stopped": action == self.STOP,
                    "elapsed": time.time() - self._began,
                }
            )
        return action

    def stopped(self, trial_id: str) -> int | None:
        """The rung at which a trial was stopped, or None."""
        for decision in reversed(self.decisions):
            if decision["trial"] == trial_id and decision["stopped"]:
                return int(decision["rung"])
        return None

    def rungs(self) -> dict[int, dict[str, float]]:
        """Rung -> trial -> reward (the negative score), as ASHA compares them."""
        return dict(self._brackets[0]._rungs)

    def restore_rungs(self, rungs: dict[int, dict[str, float]], decisions: list[dict[str, Any]]) -> None:
        """Puts back what `rungs` and `decisions` held."""
        for rung, recorded in self._brackets[0]._rungs:
            recorded.update(rungs.get(rung, {}))
        self.decisions = list(decisions)

    def _due(self, trial_id: str, iterations: int) -> tuple[int, float | None, int] | None:
        """(rung, cutoff as a score, trials recorded) of the rung this result will be entered on.

        A cutoff above all scores of trials that have not diverged is infinite: it is a penalty, or
        interpolated towards one.
        """
        bracket = self._brackets[0]
        for rung, recorded in bracket._rungs:
            if iterations >= rung:
                if trial_id in recorded:
                    return None
                reward = bracket.cutoff(recorded)
                if reward is None:
                    return int(rung), None, len(recorded)
                worst = max((-r for r in recorded.values() if -r < PENALTY), default=-math.inf)
                above = -reward > worst * (1.0 + 1e-9)  # and not by the rounding of a percentile
                return int(rung), math.inf if above else -float(reward), len(recorded)
        return None


class SchedulerMemory(tune.Callback):
    """Saves ASHA's rungs with the experiment: a restored study compares with all it has seen.

    Ray restores trials and the searcher, but gives the scheduler empty rungs (Ray issue 30838).
    """

    def __init__(self, scheduler: RecordedASHA) -> None:
        self.scheduler = scheduler

    def get_state(self) -> dict[str, Any]:
        return {"rungs": self.scheduler.rungs(), "decisions": self.scheduler.decisions}

    def set_state(self, state: dict[str, Any]) -> None:
        self.scheduler.restore_rungs(state["rungs"], state["decisions"])
