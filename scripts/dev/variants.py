"""Variants of the default sampler, for `dgm replay TABLE --with scripts/dev/variants.py --samplers …`."""

from __future__ import annotations

from typing import Any, ClassVar

from optuna.samplers import BaseSampler, TPESampler

from studies.samplers.base import Sampler, quiet


class _Variant(Sampler):
    """TPE as Optuna has it, with some options."""

    forgets = True
    knows_stopped = True
    options: ClassVar[dict[str, Any]] = {}

    def make(self, seed: int) -> BaseSampler:
        given = {"multivariate": True, "constant_liar": True, **self.options}
        return quiet(TPESampler, seed=seed, n_startup_trials=self.startup_trials, **given)


class Univariate(_Variant):
    """Each setting modelled for itself."""

    name = "tpe-univariate"
    options: ClassVar[dict[str, Any]] = {"multivariate": False}


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


class FewerGood(_Variant):
    """A tenth of the trials is good, with 25 at most, is Optuna's; here a quarter of the square root's share
    (Bergstra et al. 2013): fewer good ones of many, more of few."""

    name = "tpe-sqrt"
    options: ClassVar[dict[str, Any]] = {"gamma": lambda n: max(1, min(round(0.5 * n**0.5), 25))}
