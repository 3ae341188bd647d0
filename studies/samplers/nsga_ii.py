"""A genetic algorithm (NSGA-II)."""

from optuna.samplers import BaseSampler, NSGAIISampler

from studies.samplers.base import Sampler


class NSGAII(Sampler):
    """A generation is as large as the start-up is long.  Source: Deb et al. (2002), IEEE TEVC 6:182."""

    name = "nsga-ii"
    constrained = True
    keeps_notes = True

    def make(self, seed: int) -> BaseSampler:
        return NSGAIISampler(seed=seed, population_size=max(2, self.startup_trials))
