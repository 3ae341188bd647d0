"""Independent draws: what every other sampler has to beat."""

from optuna.samplers import BaseSampler, RandomSampler

from studies.samplers.base import Sampler


class Random(Sampler):
    """Source: Bergstra and Bengio (2012)."""

    name = "random"

    def make(self, seed: int) -> BaseSampler:
        return RandomSampler(seed=seed)
