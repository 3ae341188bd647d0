"""Evolution of a normal distribution over the space (CMA-ES)."""

from optuna.samplers import BaseSampler, CmaEsSampler

from dgm_core import ConfigurationError
from studies.samplers.base import Sampler


class CMAES(Sampler):
    """Optuna's keeps its distribution with the trials.  Source: Hansen (2016), arXiv:1604.00772."""

    name = "cma-es"
    several = False
    package = "cmaes"
    keeps_notes = True

    def check(self, trials: int) -> None:
        self.refuse_choices()
        if all(distribution.single() for distribution in self.space.values()):
            raise ConfigurationError(
                f"the sampler {self.name!r} has nothing to vary: each setting has one value."
            )

    def make(self, seed: int) -> BaseSampler:
        return CmaEsSampler(
            seed=seed, n_startup_trials=max(1, self.startup_trials), warn_independent_sampling=False
        )
