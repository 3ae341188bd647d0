"""Points of a scrambled Sobol sequence: more even than random ones."""

from optuna.samplers import BaseSampler, QMCSampler

from studies.samplers.base import Sampler, quiet


class Sobol(Sampler):
    """The first trial is drawn at random, as Optuna does.  Source: Owen (1998), J. Complexity 14:466."""

    name = "sobol"
    takes_priors = False
    seeded_once = True
    conditional = False
    keeps_notes = True

    def make(self, seed: int) -> BaseSampler:
        return quiet(QMCSampler, qmc_type="sobol", scramble=True, seed=seed, warn_independent_sampling=False)
