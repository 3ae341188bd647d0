"""Suggestions, each a function of the study's seed, the trial's number and the results known to it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.trial import Trial, TrialState

from studies.records.events import Metrics
from studies.running.halving import PENALTY


class Suggestions:
    """TPE over a space, told the truth about trials that were stopped early.

    A stopped trial counts as pruned, with its scores at the rungs, which TPE ranks behind the completed ones
    by how far they came (Optuna's own protocol); one that failed gives it nothing.  The sampler is made anew
    for each trial, from a seed of the trial's own, so that no generator's state has to outlive the process.
    multivariate: the parameters interact.  constant_liar: trials that still run count as bad, so that
    workers spread out.
    """

    def __init__(self, space: Mapping[str, BaseDistribution], *, seed: int, startup_trials: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = dict(space)
        self._seed = seed
        self._startup_trials = startup_trials
        self._study = optuna.create_study()
        self._trials: list[Trial] = []

    def suggest(self, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The settings of the next trial; those in `known` where the log has them already."""
        self._study.sampler = self._sampler(len(self._trials))
        if known is not None:
            self._study.enqueue_trial(dict(known))
        self._trials.append(self._study.ask(self._space))
        return dict(self._trials[-1].params)

    def report(self, number: int, metrics: Metrics) -> None:
        """A score at a rung."""
        self._trials[number].report(min(metrics.value, PENALTY), metrics.iterations)

    def complete(self, number: int, metrics: Metrics) -> None:
        """A trial came to its own end."""
        self._study.tell(self._trials[number], min(metrics.value, PENALTY))

    def stop(self, number: int) -> None:
        """A trial was stopped at the rung it reported last."""
        self._study.tell(self._trials[number], state=TrialState.PRUNED)

    def fail(self, number: int) -> None:
        """A trial failed or was interrupted."""
        self._study.tell(self._trials[number], state=TrialState.FAIL)

    def _sampler(self, number: int) -> TPESampler:
        seed = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(
                seed=seed,
                n_startup_trials=self._startup_trials,
                multivariate=True,
                constant_liar=True,
            )
