"""Variants of TPE, for `dgm replay TABLE --with scripts/dev/variants.py --samplers …`."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, QMCSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from studies.samplers.base import Sampler, quiet


class _Variant(Sampler):
    """TPE as Optuna has it, with some options."""

    forgets = True
    knows_stopped = True
    options: ClassVar[dict[str, Any]] = {}

    def make(self, seed: int) -> BaseSampler:
        given = {"multivariate": True, "constant_liar": True, **self.options}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `gamma` will be removed in Optuna 6
            return quiet(TPESampler, seed=seed, n_startup_trials=self.startup_trials, **given)


class NoLiar(_Variant):
    """Trials that still run are left out of account."""

    name = "tpe-no-liar"
    options: ClassVar[dict[str, Any]] = {"constant_liar": False}


class FewCandidates(_Variant):
    """Fewer candidates: more exploration."""

    name = "tpe-8"
    options: ClassVar[dict[str, Any]] = {"n_ei_candidates": 8}


class ManyCandidates(_Variant):
    """More candidates than Optuna's 24: greedier."""

    name = "tpe-100"
    options: ClassVar[dict[str, Any]] = {"n_ei_candidates": 100}


def root(trials: int) -> int:
    """How many trials count as good: the square root, where Optuna takes a tenth."""
    return math.ceil(math.sqrt(trials))


def quarter(trials: int) -> int:
    """A quarter, 25 at most, as Optuna's tenth."""
    return min(math.ceil(0.25 * trials), 25)


class Root(_Variant):
    """More trials count as good: more exploration."""

    name = "tpe-root"
    options: ClassVar[dict[str, Any]] = {"gamma": root}


class UnivariateRoot(_Variant):
    """The same with a model of each setting."""

    name = "univariate-root"
    options: ClassVar[dict[str, Any]] = {"multivariate": False, "gamma": root}


class UnivariateQuarter(_Variant):
    """The same; of 48 trials 12 count as good."""

    name = "univariate-quarter"
    options: ClassVar[dict[str, Any]] = {"multivariate": False, "gamma": quarter}


class UnivariateMany(_Variant):
    """More candidates for each setting."""

    name = "univariate-100"
    options: ClassVar[dict[str, Any]] = {"multivariate": False, "n_ei_candidates": 100}


class UnivariateNoLiar(_Variant):
    """Trials that still run are left out of account."""

    name = "univariate-no-liar"
    options: ClassVar[dict[str, Any]] = {"multivariate": False, "constant_liar": False}


class SobolFirst(Sampler):
    """The start-up trials are points of a scrambled Sobol sequence and not random ones."""

    name = "tpe-sobol"
    seeded_once = True
    keeps_notes = True
    knows_stopped = True
    multivariate: ClassVar[bool] = True

    def make(self, seed: int) -> BaseSampler:
        return _SobolFirst(seed, self.startup_trials, multivariate=self.multivariate)


class UnivariateSobolFirst(SobolFirst):
    """The same with a model of each setting."""

    name = "univariate-sobol"
    multivariate: ClassVar[bool] = False


class _SobolFirst(BaseSampler):
    """TPE has a seed of its own for each trial, as it has in a search."""

    def __init__(self, seed: int, startup_trials: int, *, multivariate: bool) -> None:
        self._seed, self._startup, self._multivariate = seed, startup_trials, multivariate
        self._sobol = quiet(
            QMCSampler, qmc_type="sobol", scramble=True, seed=seed, warn_independent_sampling=False
        )

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number < self._startup:
            return self._sobol
        seed = int(np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0])
        return quiet(
            TPESampler,
            seed=seed,
            n_startup_trials=self._startup,
            multivariate=self._multivariate,
            constant_liar=True,
        )

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)
