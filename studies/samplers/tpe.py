"""Tree-structured Parzen estimators: the default."""

from optuna.samplers import BaseSampler, TPESampler

from studies.samplers.base import Sampler, quiet


class TPE(Sampler):
    """Told the truth about trials that were stopped early.

    They count as pruned, with their scores at the rungs, which TPE ranks behind the completed ones by how far
    they came (Optuna's own protocol).  multivariate: the parameters interact.  constant_liar: trials that
    still run count as bad, so that workers spread out.  Source: Bergstra et al. (2011); Watanabe (2023).
    """

    name = "tpe"
    constrained = True
    forgets = True
    knows_stopped = True

    def make(self, seed: int) -> BaseSampler:
        return quiet(
            TPESampler,
            seed=seed,
            n_startup_trials=self.startup_trials,
            multivariate=True,
            constant_liar=True,
        )
