"""Points of a scrambled Halton sequence: even for any number of trials."""

from optuna.samplers import BaseSampler, QMCSampler

from studies.samplers.base import Sampler, quiet


class Halton(Sampler):
    """The first trial is drawn at random, as Optuna does.  Source: Owen (2017), arXiv:1706.02808."""

    name = "halton"
    takes_priors = False
    seeded_once = True
    conditional = False
    keeps_notes = True

    def make(self, seed: int) -> BaseSampler:
        return quiet(QMCSampler, qmc_type="halton", scramble=True, seed=seed, warn_independent_sampling=False)
