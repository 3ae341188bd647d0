"""The samplers that a table can be searched with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler

from studies.replay.simulate import MakeSampler

STARTUP_TRIALS = 10
_APART = 1_000_003
"""Between the seeds of random search and those of the others, which may start with random trials."""


def _quiet(make: Callable[[int], BaseSampler]) -> MakeSampler:
    """Without Optuna's remark that an option is experimental: the version is pinned."""

    def made(seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return make(seed)

    return made


SAMPLERS: Mapping[str, MakeSampler] = {
    "random": lambda seed: RandomSampler(seed=_APART + seed),
    "tpe": _quiet(
        lambda seed: TPESampler(
            seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=True, constant_liar=True
        )
    ),
    "tpe-univariate": _quiet(
        lambda seed: TPESampler(
            seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=False, constant_liar=True
        )
    ),
    "qmc": _quiet(lambda seed: QMCSampler(seed=seed, scramble=True)),
    "gp": _quiet(lambda seed: GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS)),
    "nsga2": lambda seed: NSGAIISampler(seed=seed, population_size=STARTUP_TRIALS),
}
