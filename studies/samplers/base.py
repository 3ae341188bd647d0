"""What a sampler is to a search: a function of a seed, a trial's number and the results so far."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from dgm_core import ConfigurationError


def quiet(sampler: Callable[..., BaseSampler], **options: Any) -> BaseSampler:
    """One of Optuna's samplers, without its warning that an option or a class is experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return sampler(**options)


class Sampler(ABC):
    """Makes one of Optuna's samplers, anew for every trial, so that none has a state that a crash could lose.

    What it needs to know of earlier trials, Optuna's study holds: settings, results, and what samplers keep
    with trials (CMA-ES its distribution, NSGA-II its generations).  All of it is made again from the log.

    space: as the sampler sees it (see `studies.study.space.shown`).  startup_trials: drawn at random before a
    model is used.  Raises ConfigurationError where the space or the number of trials does not suit it.
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    """What it needs beside Optuna."""
    seeded_once: ClassVar[bool] = False
    """Whether all trials have one seed, as points of one sequence must; each has its own otherwise."""
    keeps_notes: ClassVar[bool] = False
    """Whether it keeps something with trials that later ones need."""
    forgets: ClassVar[bool] = False
    """Whether a long search may keep the best trials and some of the others from it (see `Suggestions`)."""
    knows_stopped: ClassVar[bool] = False
    """Whether it ranks trials that were stopped early; to others they completed, with their last score."""
    conditional: ClassVar[bool] = True
    """Whether it can serve settings that exist only with some choices of another."""
    logarithmic: ClassVar[bool] = False
    """Whether it is told the logarithm of scores, because it models their values and not their order."""
    several: ClassVar[bool] = True
    """Whether it can make several objectives small."""
    constrained: ClassVar[bool] = False
    """Whether it models constraints that it is told of (Optuna's `set_constraint`)."""
    takes_priors: ClassVar[bool] = True
    """Whether its start-up trials can be drawn from what is believed of a setting."""

    def __init__(self, space: Mapping[str, BaseDistribution], startup_trials: int) -> None:
        self.space = dict(space)
        self.startup_trials = startup_trials
        if self.package is not None and find_spec(self.package) is None:
            raise ConfigurationError(
                f"the sampler {self.name!r} needs the package {self.package}: pip install {self.package}"
            )

    @property
    def believing(self) -> float:
        """How many trials are drawn from priors, where there are any."""
        return self.startup_trials

    def check(self, trials: int) -> None:
        """Raises ConfigurationError where it cannot serve this space, or so many trials."""
        return None

    @abstractmethod
    def make(self, seed: int) -> BaseSampler:
        """Optuna's sampler for one trial."""

    def refuse_choices(self, most: int = 0) -> None:
        """Raises ConfigurationError where a setting has more choices without an order than `most`."""
        for key, distribution in self.space.items():
            if isinstance(distribution, CategoricalDistribution) and len(distribution.choices) > most:
                rule = f"at most {most}" if most else "none"
                raise ConfigurationError(
                    f"the sampler {self.name!r} cannot suggest {key}, which has {len(distribution.choices)} "
                    f"unordered choices: it takes {rule}."
                )
