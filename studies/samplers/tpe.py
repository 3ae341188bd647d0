"""Tree-structured Parzen estimators that model all settings together."""

from typing import ClassVar

from optuna.samplers import BaseSampler, TPESampler

from studies.samplers.base import Sampler, quiet


class TPE(Sampler):
    """Told the truth about trials that were stopped early.

    They count as pruned, with their scores at the rungs, which TPE ranks behind the completed ones by how far
    they came (Optuna's own protocol).  constant_liar: trials that still run count as bad, so that workers
    spread out.  Source: Bergstra et al. (2011); Watanabe (2023), arXiv:2304.11127.
    """

    name = "tpe"
    constrained = True
    forgets = True
    knows_stopped = True
    multivariate: ClassVar[bool] = True
    """Whether a candidate is one draw of all settings, or the best draw of each."""

    def make(self, seed: int) -> BaseSampler:
        return quiet(
            TPESampler,
            seed=seed,
            n_startup_trials=self.startup_trials,
            multivariate=self.multivariate,
            constant_liar=True,
        )
