"""Suggestions, each a function of the study's seed, the trial's number and the results known to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from studies.records.events import Metrics
from studies.samplers.base import Sampler
from studies.stopping import PENALTY
from studies.study.space import setting, shown_value

REMEMBERED = 300
"""Trials that have ended which suggestions look back on, at least; twice as many at most."""
_LEAST = 1e-300
"""Of a score whose logarithm is taken."""


class Suggestions:
    """What a sampler suggests, from the results that it is told.

    A trial that was stopped early counts as pruned, or as completed with its last score, as the sampler takes
    it; one that failed gives it nothing.  The sampler is made anew for each trial, from a seed, so that no
    generator's state has to outlive the process.

    A suggestion takes the longer the more trials it looks back on.  Of many it looks back on the best, which
    are those that TPE takes for good, and on some of all others, so that the thousandth takes no longer than
    the six hundredth; samplers that keep something with each trial look back on all.
    """

    def __init__(self, space: Mapping[str, BaseDistribution], sampler: Sampler, *, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = dict(space)
        self._sampler = sampler
        self._seed = seed
        self._study = optuna.create_study()
        self._count = 0
        self._ended = 0
        self._worst = 0.0
        self._running: dict[int, Trial] = {}
        self._scores: dict[int, dict[int, float]] = {}

    def suggest(self, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The settings of the next trial; those in `known` where the log has them already."""
        if self._sampler.forgets and self._ended >= 2 * REMEMBERED:
            self._forget()
        if known is not None:
            known = {key: shown_value(self._space[key], value) for key, value in known.items()}
        trial = self._ask(self._count, known)
        self._running[self._count], self._scores[self._count] = trial, {}
        self._count += 1
        return {key: setting(self._space[key], drawn) for key, drawn in trial.params.items()}

    def report(self, number: int, metrics: Metrics) -> None:
        """A score at a rung."""
        score = self._scores[number][metrics.iterations] = self._told(metrics)
        self._running[number].report(score, metrics.iterations)

    def complete(self, number: int, metrics: Metrics) -> None:
        """A trial came to its own end."""
        self._tell(number, value=self._told(metrics))

    def stop(self, number: int) -> None:
        """A trial was stopped at the rung it reported last."""
        if self._sampler.knows_stopped:
            self._tell(number, state=TrialState.PRUNED)
        else:
            scores = self._scores[number]
            self._tell(number, value=scores[max(scores)])

    def fail(self, number: int) -> None:
        """A trial failed or was interrupted."""
        self._tell(number, state=TrialState.FAIL)

    def _told(self, metrics: Metrics) -> float:
        """A score as the sampler is told it."""
        score = min(metrics.value, PENALTY)
        if not self._sampler.logarithmic:
            return score
        # A penalty far from all other values would leave no difference between them.
        if score < PENALTY:
            self._worst = max(self._worst, score)
        elif self._worst > 0:
            score = 10 * self._worst
        return math.log10(max(score, _LEAST))

    def _ask(self, number: int, known: Mapping[str, Any] | None) -> Trial:
        """Optuna's trial; `known` settings are not drawn again where nothing is kept of how they were."""
        fixed = known is not None and not self._sampler.keeps_notes
        self._study.sampler = RandomSampler(seed=0) if fixed else self._made(number)
        if known is not None:
            self._study.enqueue_trial(dict(known))
        return self._study.ask(self._sampler.space)

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

    def _made(self, number: int) -> BaseSampler:
        """Of its own seed for each trial, or of the study's for all."""
        if self._sampler.seeded_once:
            return self._sampler.make(self._seed)
        return self._sampler.make(int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0]))


def _rank(trial: FrozenTrial) -> tuple[bool, int, float, int]:
    """TPE's own order: completed trials by their value, then pruned ones by how far they came, and theirs."""
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        return False, 0, trial.value, trial.number
    last = trial.last_step
    value = math.inf if last is None else trial.intermediate_values[last]
    return True, -1 if last is None else -last, value, trial.number
