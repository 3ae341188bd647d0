"""Any sampler of Optuna's, by a function from a seed to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler

from dgm_core import ConfigurationError
from dgm_core.extensions import explained, in_one_line
from studies.samplers.base import Sampler


class FactorySampler(Sampler):
    """Made anew for every trial, with a seed of the trial's own."""

    name = "factory"
    keeps_notes = True

    def __init__(
        self,
        factory: Callable[[int], BaseSampler],
        space: Mapping[str, BaseDistribution],
        startup_trials: int,
    ) -> None:
        super().__init__(space, startup_trials)
        self._factory = factory
        self._called = getattr(factory, "__name__", "factory")

    def make(self, seed: int) -> BaseSampler:
        made = self._factory(seed)
        if not isinstance(made, BaseSampler):
            raise ConfigurationError(
                f"the sampler {self._called!r} returned a {type(made).__name__}: "
                "it must return one of Optuna's samplers."
            )
        return made


def check_repeatable(sampler: FactorySampler, trials: int = 3) -> None:
    """Raises ConfigurationError for one that fails, or whose suggestions are no function of its seed."""
    try:
        first, again = _drawn(sampler, trials), _drawn(sampler, trials)
    except ConfigurationError:
        raise
    except Exception as error:  # a user's code
        where = explained(error) or in_one_line(error)
        raise ConfigurationError(f"the sampler {sampler._called!r} fails in this space: {where}") from error
    if first != again:
        raise ConfigurationError(
            f"the sampler {sampler._called!r} suggests different settings each time it is created "
            "with the same seed: "
            "pass the seed to everything it draws from, or the search could not be resumed."
        )


def _drawn(sampler: FactorySampler, trials: int) -> list[dict[str, Any]]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study, drawn = optuna.create_study(), []
    for number in range(trials):
        study.sampler = sampler.make(number)
        trial = study.ask(sampler.space)
        drawn.append(trial.params)
        study.tell(trial, float(number % 2))
    return drawn
