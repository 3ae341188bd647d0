"""Optuna's suggestions, told the truth about trials that were stopped early."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from ray.tune.search.optuna import OptunaSearch

from studies.running.trainable import SCORE, TIME


class Suggestions(OptunaSearch):
    """Optuna's TPE under Ray Tune.

    Ray tells Optuna that a stopped trial is complete, and its score at an early rung the score of
    its whole configuration.  Here it is told as pruned, with its scores at the rungs, which TPE
    ranks behind the completed trials by how far they came (Optuna's own pruning protocol).
    """

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        # One row for each rung, not one for each quarter second: SQLite commits every report.
        if result["at_rung"]:
            self._ot_trials[trial_id].report(result[SCORE], result[TIME])

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        final = result if result and result["final"] else None
        super().on_trial_complete(trial_id, final, error)


def make_suggestions(
    space: Mapping[str, BaseDistribution], *, seed: int, startup_trials: int, storage: Path, name: str
) -> Suggestions:
    """TPE over `space`, its trials kept in the SQLite file `storage`.

    multivariate: the search's parameters interact (a rate that suits one batch size sinks another).
    constant_liar: trials that are still running count as bad, so that workers spread out.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = TPESampler(
        seed=seed,
        n_startup_trials=startup_trials,
        multivariate=True,
        constant_liar=True,
    )
    return Suggestions(
        space=dict(space),
        metric=SCORE,
        mode="min",
        sampler=sampler,
        storage=RDBStorage(f"sqlite:///{storage}"),
        study_name=name,
    )
