"""Suggestions, each a function of the study's seed, the trial's number and the results known to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from studies.errors import StudyError
from studies.records.events import Metrics
from studies.samplers.base import Sampler
from studies.stopping import Finite
from studies.study.branches import conditional, drawn, named, places
from studies.study.priors import Prior
from studies.study.space import shown, shown_value

REMEMBERED = 300
"""Trials that have ended which suggestions look back on, at least; twice as many at most."""
_ATTEMPTS = 1000
"""At settings that are allowed, for each trial."""
_PRIORS = 4
"""Of the stream that draws from what is believed."""
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

    def __init__(
        self,
        space: Mapping[str, BaseDistribution],
        sampler: Sampler,
        *,
        seed: int,
        allows: Callable[[Mapping[str, Any]], bool] | None = None,
        violations: Callable[[Mapping[str, Any]], Mapping[str, float]] | None = None,
        start_from: Sequence[Mapping[str, Any]] = (),
        priors: Mapping[str, Prior] | None = None,
        objectives: int = 1,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = dict(space)
        self._conditional = conditional(self._space)
        self._sampler = sampler
        self._allows = allows
        self._violations = violations if sampler.constrained else None
        self._start = [named(self._space, settings) for settings in start_from]
        self._priors = dict(priors or {})
        self._seed = seed
        self._objectives = objectives
        self._study = self._new_study()
        self._count = 0
        self._ended = 0
        self._finite = Finite()
        self._running: dict[int, Trial] = {}
        self._scores: dict[int, dict[int, float]] = {}

    def suggest(self, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The settings of the next trial; those in `known` where the log has them already."""
        # Which of several objectives' trials are good depends on all of them.
        if self._sampler.forgets and self._objectives == 1 and self._ended >= 2 * REMEMBERED:
            self._forget()
        if known is not None:
            known = named(self._space, known)
        if self._allows is None:
            trial = self._ask(self._count, known, start=self._started(0))
        else:
            trial = self._allowed(known)
        self._running[self._count], self._scores[self._count] = trial, {}
        self._count += 1
        return self._settings(trial)

    def _settings(self, trial: Trial) -> dict[str, Any]:
        return drawn(self._space, lambda name, distribution: trial.params[name])

    def _allowed(self, known: Mapping[str, Any] | None) -> Trial:
        """Draws until settings are allowed.

        Those refused count as failed, which tells a sampler nothing; one that ranks pruned trials is told
        them with their constraints.  Settings that are known are drawn once more where what was refused
        before them has left a trace.
        """
        assert self._allows is not None
        learns = self._violations is not None and self._sampler.knows_stopped
        if known is not None and not (self._sampler.keeps_notes or self._sampler.seeded_once or learns):
            trial = self._ask(self._count, known)
            self._constrain(trial)
            return trial
        for attempt in range(_ATTEMPTS):
            trial = self._ask(self._count, None, attempt, self._started(attempt))
            self._constrain(trial)
            if self._allows(self._settings(trial)):
                return trial
            self._study.tell(trial, state=TrialState.PRUNED if learns else TrialState.FAIL)
        raise StudyError(f"the sampler found no settings that are feasible in {_ATTEMPTS} draws.")

    def _constrain(self, trial: Trial) -> None:
        """Tells the sampler how far a trial is from each constraint."""
        if self._violations is not None:
            for name, value in self._violations(self._settings(trial)).items():
                trial.set_constraint(name, value)

    def report(self, number: int, metrics: Metrics) -> None:
        """A score at a rung."""
        score = self._scores[number][metrics.iterations] = self._told(metrics)
        self._running[number].report(score, metrics.iterations)

    def complete(self, number: int, metrics: Metrics, costs: Sequence[float] = ()) -> None:
        """A trial came to its own end.  costs: the objectives but for the error."""
        told = costs if not self._sampler.logarithmic else [math.log10(max(cost, _LEAST)) for cost in costs]
        self._tell(number, [self._told(metrics), *told])

    def stop(self, number: int) -> None:
        """A trial was stopped at the rung it reported last."""
        if self._sampler.knows_stopped:
            self._tell(number, state=TrialState.PRUNED)
        else:
            scores = self._scores[number]
            self._tell(number, [scores[max(scores)]])

    def fail(self, number: int) -> None:
        """A trial failed or was interrupted."""
        self._tell(number, state=TrialState.FAIL)

    def _told(self, metrics: Metrics) -> float:
        """A score as the sampler is told it."""
        score = self._finite(metrics.value)
        if not math.isfinite(metrics.value) and self._sampler.logarithmic and self._finite.worst > 0:
            # A penalty far from all other values would leave no difference between them.
            score = 10 * self._finite.worst
        return math.log10(max(score, _LEAST)) if self._sampler.logarithmic else score

    def _started(self, attempt: int) -> Mapping[str, Any] | None:
        """What the next trial starts from: what is given, then a draw from what is believed."""
        if self._count < len(self._start):
            return self._start[self._count]
        if not self._priors or self._count >= self._sampler.believing:
            return None
        random = np.random.default_rng([self._seed, self._count, attempt, _PRIORS])
        return {
            place.name: shown_value(
                place.distribution, self._priors[place.key].draw(place.distribution, random)
            )
            for place in places(self._space)
            if place.key in self._priors
        }

    def _ask(
        self,
        number: int,
        known: Mapping[str, Any] | None,
        attempt: int = 0,
        start: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Optuna's trial; `known` settings are not drawn again where nothing is kept of how they were."""
        fixed = known is not None and not self._sampler.keeps_notes
        self._study.sampler = RandomSampler(seed=0) if fixed else self._made(number, attempt)
        given = start if known is None else known
        if given is not None:
            self._study.enqueue_trial(dict(given))
        if not self._conditional:
            return self._study.ask(self._sampler.space)
        trial = self._study.ask({key: shown(distribution) for key, distribution in self._space.items()})
        drawn(self._space, partial(_suggested, trial))
        return trial

    def _tell(
        self, number: int, values: Sequence[float] | None = None, state: TrialState | None = None
    ) -> None:
        self._study.tell(self._running.pop(number), values, state)
        del self._scores[number]
        self._ended += 1

    def _forget(self) -> None:
        """Goes on with the best, with some of the others, evenly spread, and with the trials that run."""
        ended = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]
        scored = [trial for trial in ended if trial.state != TrialState.FAIL]
        best = sorted(scored, key=_rank)[: REMEMBERED // 2]
        numbers = {trial.number for trial in best}
        rest = [trial for trial in scored if trial.number not in numbers]
        spread = rest[:: max(1, -(-len(rest) // (REMEMBERED // 2)))]
        self._study = self._new_study()
        self._study.add_trials(sorted([*best, *spread], key=lambda trial: trial.number))
        self._ended = len(best) + len(spread)
        for number, trial in self._running.items():
            again = self._running[number] = self._ask(number, trial.params)
            self._constrain(again)
            for iterations, score in self._scores[number].items():
                again.report(score, iterations)

    def _new_study(self) -> optuna.Study:
        return optuna.create_study(directions=["minimize"] * self._objectives)

    def _made(self, number: int, attempt: int) -> BaseSampler:
        """Of its own seed for each trial, or of the study's for all."""
        # The first point of a sequence is drawn at random: refused, it has to be another the next time.
        first = attempt > 0 and number == 0 and self._sampler.keeps_notes
        if self._sampler.seeded_once and not first:
            return self._sampler.make(self._seed)
        key = [self._seed, number, *([attempt] if attempt else [])]
        return self._sampler.make(int(np.random.SeedSequence(key).generate_state(1)[0]))


def _rank(trial: FrozenTrial) -> tuple[bool, int, float, int]:
    """TPE's own order: completed trials by their value, then pruned ones by how far they came, and theirs."""
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        return False, 0, trial.value, trial.number
    last = trial.last_step
    value = math.inf if last is None else trial.intermediate_values[last]
    return True, -1 if last is None else -last, value, trial.number


def _suggested(trial: Trial, name: str, distribution: BaseDistribution) -> Any:
    """What a trial has for a name, or draws for it now."""
    if name in trial.params:
        return trial.params[name]
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    low, high, log = distribution.low, distribution.high, distribution.log
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, int(low), int(high), step=distribution.step, log=log)
    return trial.suggest_float(name, low, high, step=distribution.step, log=log)
