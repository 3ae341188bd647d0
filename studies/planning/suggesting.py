"""Suggestions, each a function of the study's seed, the trial's number and the results known to it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from studies.planning.halving import PENALTY
from studies.records.events import Metrics
from studies.study.space import setting, shown, shown_value

REMEMBERED = 300
"""Trials that have ended which suggestions look back on, at least; twice as many at most."""


class Suggestions:
    """TPE over a space, told the truth about trials that were stopped early.

    A stopped trial counts as pruned, with its scores at the rungs, which TPE ranks behind the completed ones
    by how far they came (Optuna's own protocol); one that failed gives it nothing.  The sampler is made anew
    for each trial, from a seed of the trial's own, so that no generator's state has to outlive the process.
    multivariate: the parameters interact.  constant_liar: trials that still run count as bad, so that
    workers spread out.

    A suggestion takes the longer the more trials it looks back on.  Of many it looks back on the best, which
    are those that TPE takes for good, and on some of all others, so that the thousandth takes no longer than
    the six hundredth.
    """

    def __init__(self, space: Mapping[str, BaseDistribution], *, seed: int, startup_trials: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = dict(space)
        self._shown = {key: shown(distribution) for key, distribution in space.items()}
        self._seed = seed
        self._startup_trials = startup_trials
        self._study = optuna.create_study()
        self._count = 0
        self._ended = 0
        self._running: dict[int, Trial] = {}
        self._scores: dict[int, dict[int, float]] = {}

    def suggest(self, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The settings of the next trial; those in `known` where the log has them already."""
        if self._ended >= 2 * REMEMBERED:
            self._forget()
        if known is not None:
            known = {key: shown_value(self._space[key], value) for key, value in known.items()}
        trial = self._ask(self._count, known)
        self._running[self._count], self._scores[self._count] = trial, {}
        self._count += 1
        return {key: setting(self._space[key], drawn) for key, drawn in trial.params.items()}

    def report(self, number: int, metrics: Metrics) -> None:
        """A score at a rung."""
        score = self._scores[number][metrics.iterations] = min(metrics.value, PENALTY)
        self._running[number].report(score, metrics.iterations)

    def complete(self, number: int, metrics: Metrics) -> None:
        """A trial came to its own end."""
        self._tell(number, value=min(metrics.value, PENALTY))

    def stop(self, number: int) -> None:
        """A trial was stopped at the rung it reported last."""
        self._tell(number, state=TrialState.PRUNED)

    def fail(self, number: int) -> None:
        """A trial failed or was interrupted."""
        self._tell(number, state=TrialState.FAIL)

    def _ask(self, number: int, known: Mapping[str, Any] | None) -> Trial:
        self._study.sampler = self._sampler(number)
        if known is not None:
            self._study.enqueue_trial(dict(known))
        return self._study.ask(self._shown)

    def _tell(self, number: int, value: float | None = None, state: TrialState | None = None) -> None:
        self._study.tell(self._running.pop(number), value, state)
        del self._scores[number]
        self._ended += 1

    def _forget(self) -> None:
        """Goes on with the best, with some of the others, evenly spread, and with the trials that run."""
        ended = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]
        told = [trial for trial in ended if trial.state != TrialState.FAIL]
        best = sorted(told, key=_rank)[: REMEMBERED // 2]
        numbers = {trial.number for trial in best}
        rest = [trial for trial in told if trial.number not in numbers]
        spread = rest[:: max(1, -(-len(rest) // (REMEMBERED // 2)))]
        self._study = optuna.create_study()
        self._study.add_trials(sorted([*best, *spread], key=lambda trial: trial.number))
        self._ended = len(best) + len(spread)
        for number, trial in self._running.items():
            again = self._running[number] = self._ask(number, trial.params)
            for iterations, score in self._scores[number].items():
                again.report(score, iterations)

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


def _rank(trial: FrozenTrial) -> tuple[bool, int, float, int]:
    """TPE's own order: completed trials by their value, then pruned ones by how far they came, and theirs."""
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        return False, 0, trial.value, trial.number
    last = trial.last_step
    value = math.inf if last is None else trial.intermediate_values[last]
    return True, -1 if last is None else -last, value, trial.number
