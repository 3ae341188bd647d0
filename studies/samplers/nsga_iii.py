"""A genetic algorithm with reference points (NSGA-III)."""

from optuna.samplers import BaseSampler, NSGAIIISampler

from studies.samplers.base import Sampler, quiet


class NSGAIII(Sampler):
    """A generation is as large as the start-up is long.  Source: Deb and Jain (2014), IEEE TEVC 18:577."""

    name = "nsga-iii"
    constrained = True
    keeps_notes = True

    def make(self, seed: int) -> BaseSampler:
        return quiet(NSGAIIISampler, seed=seed, population_size=max(2, self.startup_trials))
