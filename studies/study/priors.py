"""What is believed of a setting before anything is trained: a normal distribution about a guess."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import ConfigurationError
from dgm_core.errors import unknown
from studies.samplers.base import Sampler
from studies.study.branches import Space, holds, places
from studies.study.space import PowersOfTwo, stepped
from studies.study.strict import Positive, strict

_FACTOR, _SHARE = 3.0, 1 / 6


@strict
@dataclass(frozen=True)
class Prior:
    """Normal about a guess, in the setting's own scale, cut off at the ends of its range."""

    guess: float
    """The likeliest value, which is in the range."""
    spread: Positive
    """The standard deviation: on a logarithmic scale a factor above 1, so that `Prior(0.01, 3)` expects two
    of three values from 0.01 / 3 to 0.01 · 3; on a linear one an amount in the unit of the setting."""

    @classmethod
    def about(cls, guess: float, distribution: BaseDistribution) -> Prior:
        """A prior of which only the guess is known: two of three values within a factor of three, or on a
        linear scale within a sixth of the range."""
        if isinstance(distribution, CategoricalDistribution) or getattr(distribution, "log", False):
            return cls(guess, _FACTOR)
        assert isinstance(distribution, (FloatDistribution, IntDistribution))
        return cls(guess, max(distribution.high - distribution.low, 1) * _SHARE)

    def draw(self, distribution: BaseDistribution, random: np.random.Generator) -> float | int:
        """A value that the distribution, which may be any of numbers, can give."""
        assert isinstance(distribution, (FloatDistribution, IntDistribution))
        low, high = float(distribution.low), float(distribution.high)
        scale, back = (math.log, math.exp) if distribution.log else (float, float)
        center, deviation = scale(self.guess), scale(self.spread)
        ends = [(scale(end) - center) / deviation for end in (low, high)]
        place = scipy.stats.truncnorm.ppf(random.random(), *ends)
        value = min(max(back(center + deviation * place), low), high)
        value = stepped(distribution, value)
        if isinstance(distribution, PowersOfTwo):
            return 1 << round(math.log2(value))
        return round(value) if isinstance(distribution, IntDistribution) else value


def check_priors(name: str, space: Space, priors: Mapping[str, Prior], sampler: Sampler) -> None:
    """Raises ConfigurationError for a setting that is not searched or has no numbers, for a guess out of its
    range, and for a sampler that has no use for priors."""
    if priors and not sampler.takes_priors:
        raise ConfigurationError(
            f"the sampler {sampler.name!r} cannot take the priors of {name}: it lays out its settings "
            "evenly, whatever the prior."
        )
    known = {place.key for place in places(space)}
    for key, prior in priors.items():
        if key not in known:
            raise unknown(f"key in priors of {name}", key, known)
        for place in (each for each in places(space) if each.key == key):
            _check(name, place.key, place.distribution, prior)


def _check(name: str, key: str, distribution: BaseDistribution, prior: Prior) -> None:
    if isinstance(distribution, CategoricalDistribution):
        raise ConfigurationError(
            f"the prior of {key} in {name} is not allowed: choices have no order, so none is near a guess."
        )
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    guess: float | int = int(prior.guess) if isinstance(distribution, IntDistribution) else prior.guess
    if guess != prior.guess or not holds(distribution, guess):
        raise ConfigurationError(
            f"the prior's guess {prior.guess:g} of {key} in {name} is not in its range, "
            f"{distribution.low} to {distribution.high}."
        )
    if distribution.log and prior.spread <= 1:
        raise ConfigurationError(
            f"the prior's spread {prior.spread:g} of {key} in {name} is not allowed: on a logarithmic scale "
            "it is a factor above 1."
        )
