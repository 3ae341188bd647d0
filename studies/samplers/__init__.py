"""Samplers by name: one small file each, a user's own among them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler

from dgm_core import extensions
from dgm_core.errors import ConfigurationError
from dgm_core.registry import Registry, subclasses
from studies.samplers.base import Sampler
from studies.samplers.factory import FactorySampler, check_repeatable

DEFAULT_SAMPLER = "tpe-univariate"
"""Chosen by `dgm replay` over eight tables: see docs/search.md."""

Factory = Callable[[int], BaseSampler]
"""From a seed to one of Optuna's samplers, OptunaHub's included."""


def _samplers(module: ModuleType) -> Iterator[tuple[str, type[Sampler]]]:
    return ((name, cls) for name, cls in subclasses(module, Sampler) if cls is not FactorySampler)


SAMPLERS: Registry[type[Sampler]] = Registry("sampler", __name__, _samplers)


def make_sampler(
    sampler: str | Factory, space: Mapping[str, BaseDistribution], startup_trials: int
) -> Sampler:
    """The sampler of a name, or one around a factory.  Raises ConfigurationError."""
    if isinstance(sampler, str):
        return SAMPLERS.get(sampler)(space, startup_trials)
    return FactorySampler(sampler, space, startup_trials)


def check_sampler(
    sampler: str | Factory, space: Mapping[str, BaseDistribution], startup_trials: int, trials: int
) -> None:
    """Refuses what cannot serve a search before it starts.  Raises ConfigurationError."""
    made = make_sampler(sampler, space, startup_trials)
    if not made.conditional and any("/" in name for name in space):
        raise ConfigurationError(
            f"the sampler {made.name!r} cannot suggest settings that exist only with some choices of another."
        )
    made.check(trials)
    if isinstance(made, FactorySampler):
        check_repeatable(made)


def function_named(name: str, kind: str) -> Callable[..., object]:
    """A function of a loaded file, by the name under which a run's record keeps it.

    Raises ConfigurationError where there is none.
    """
    for module in (*extensions.modules(), sys.modules["__main__"]):
        function = getattr(module, name, None)
        if callable(function):
            return function
    raise ConfigurationError(
        f"the {kind} {name!r} is not in the files that the run folder has: give its file, --with FILE."
    )


def function_name(function: Callable[..., object], kind: str) -> str:
    """The inverse of `function_named`.  Raises ConfigurationError for one without a name."""
    name = getattr(function, "__qualname__", "<lambda>")
    if not name.isidentifier():
        raise ConfigurationError(
            f"the {kind} {name!r} could not be found when the run is resumed: give a function of a file."
        )
    return str(name)
