"""What a search may be: rules that its fields must meet together.  All raise ConfigurationError."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution

from dgm_core import ConfigurationError
from dgm_core.errors import counted, listed, unknown
from studies.objectives import check_objectives
from studies.samplers.base import Sampler
from studies.study.branches import Space, at_random, conditional, drawn, misfits, places

ORDERS = {
    **dict.fromkeys(("sampler", "early_stopping", "budget", "objectives", "priors"), "clock"),
    **dict.fromkeys(("searcher", "scheduler"), "arrival"),
}
"""Fields of a search, to the only order of results in which they may be given."""
_DRAWS = 500


def check_order(name: str, order: str, changed: Sequence[str], space: Space) -> None:
    """One order's settings are refused in the other.  changed: the fields of `ORDERS` that are not as by
    default."""
    for key in changed:
        if ORDERS[key] != order:
            raise ConfigurationError(f"{key} of {name} is not allowed with order = {order!r}.")
    if order == "arrival" and conditional(space):
        raise ConfigurationError(
            f"the space of {name} has settings that depend on others, which Tune's searchers "
            "do not support: use order = 'clock'."
        )


def check_start(
    name: str, space: Space, start_from: Sequence[Mapping[str, Any] | str], trials: int, order: str
) -> None:
    """Settings to start from are in the space, and there is a trial for each."""
    if len(start_from) > trials:
        raise ConfigurationError(
            f"start_from of {name} has {counted(len(start_from), 'entry', 'entries')}, but there is room for "
            f"{counted(trials, 'trial')}."
        )
    if start_from and order == "arrival":
        raise ConfigurationError(
            f"start_from of {name} is not allowed with order = 'arrival': give the searcher its "
            "points_to_evaluate."
        )
    keys = {place.key for place in places(space)}
    for start in (each for each in start_from if isinstance(each, Mapping)):
        for key in start:
            if key not in keys:
                raise unknown(f"key in start_from of {name}", key, keys)
        for key, fault in misfits(space, start).items():
            raise ConfigurationError(f"{key} = {start[key]!r} in start_from of {name} {fault}.")


def check_limits(
    name: str,
    space: Mapping[str, BaseDistribution],
    allows: Callable[[Mapping[str, Any]], bool],
    limits: Sequence[str],
) -> None:
    """A constraint that hardly anything satisfies is refused when it is defined.

    limits: the fields that hold it.
    """
    random = np.random.default_rng(0)
    draws = (drawn(space, partial(at_random, random)) for _ in range(_DRAWS))
    if limits and not any(allows(changes) for changes in draws):
        verb = "allows" if len(limits) == 1 and limits[0] != "constraints" else "allow"
        raise ConfigurationError(
            f"{listed(limits)} of {name} {verb} none of {_DRAWS} settings drawn at random from its space."
        )


def check_aims(name: str, objectives: Sequence[str], sampler: Sampler, early_stopping: object) -> None:
    """Several objectives go with samplers that take them, and without early stopping."""
    check_objectives(objectives)
    if len(objectives) == 1:
        return
    if not sampler.several:
        raise ConfigurationError(
            f"the sampler {sampler.name!r} takes one objective: {name} has {', '.join(objectives)}."
        )
    if early_stopping != "none":
        raise ConfigurationError(
            f"early_stopping of {name} must be 'none' with objectives = {', '.join(objectives)}: a trial "
            "that a rule would stop for its error can be on the front for its cost."
        )
