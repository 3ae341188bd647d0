"""Every combination of a space that has finitely many, each once, in an order drawn from the seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from dgm_core import ConfigurationError
from dgm_core.errors import counted
from studies.samplers.base import Sampler

_MOST = 1_000_000


class Grid(Sampler):
    """Optuna's own ends a study from within when it is through, which only its loop allows."""

    name = "grid"
    takes_priors = False
    seeded_once = True
    conditional = False

    def check(self, trials: int) -> None:
        size = math.prod(len(levels(key, distribution)) for key, distribution in self.space.items())
        if size > _MOST:
            raise ConfigurationError(
                f"the grid has {counted(size, 'setting')}: it may have {_MOST:,} at most."
            )
        if trials > size:
            raise ConfigurationError(
                f"trials = {trials} is not allowed: the grid has {counted(size, 'setting')}."
            )

    def make(self, seed: int) -> BaseSampler:
        return _GridSampler({key: levels(key, each) for key, each in self.space.items()}, seed)


class _GridSampler(BaseSampler):
    def __init__(self, levels: dict[str, Sequence[Any]], seed: int) -> None:
        self._levels = levels
        self._order = np.random.default_rng(seed).permutation(math.prod(map(len, levels.values())))

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        place = int(self._order[trial.number % len(self._order)])
        for name, values in self._levels.items():
            place, level = divmod(place, len(values))
            if name == param_name:
                return values[level]
        raise KeyError(param_name)


def levels(key: str, distribution: BaseDistribution) -> Sequence[Any]:
    """All values of a setting.  Raises ConfigurationError where there is no end of them."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        count = round((distribution.high - distribution.low) / distribution.step) + 1
        return [distribution.low + i * distribution.step for i in range(count)]
    raise ConfigurationError(f"the sampler 'grid' needs a step, or choices, for {key}.")
