"""Independent draws: what every other sampler has to beat."""

import math

from optuna.samplers import BaseSampler, RandomSampler

from studies.samplers.base import Sampler


class Random(Sampler):
    """Source: Bergstra and Bengio (2012)."""

    name = "random"

    @property
    def believing(self) -> float:
        return math.inf

    def make(self, seed: int) -> BaseSampler:
        return RandomSampler(seed=seed)
