"""A Gaussian process over the logarithm of the score."""

from __future__ import annotations

from typing import Any

import torch
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from studies.samplers.base import Sampler

_MOST_CHOICES = 50


class GP(Sampler):
    """Optuna's, with expected improvement.

    It models values, and errors differ by orders of magnitude: it is told their logarithm.  It passes over
    trials that were pruned: to it they have completed with their last score.  Optuna goes without greenlet
    too, more slowly, and then rounds otherwise, so that its suggestions differ in their last digits: it is
    needed, so that a search is the same wherever it is run.
    """

    name = "gp"
    constrained = True
    package = "greenlet"
    forgets = True
    logarithmic = True

    def check(self, trials: int) -> None:
        self.refuse_choices(most=_MOST_CHOICES)

    def make(self, seed: int) -> BaseSampler:
        return _OneThread(
            seed=seed, n_startup_trials=max(1, self.startup_trials), warn_independent_sampling=False
        )


class _OneThread(GPSampler):
    """On one thread: its tensors are small, and sums are the same whatever the number of cores."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return super().sample_relative(study, trial, search_space)
        finally:
            torch.set_num_threads(threads)
