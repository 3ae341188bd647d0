"""A search's space, checked against the setup that it varies: each value, and each pair of extremes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution

from dgm_core import ConfigurationError, Setup
from dgm_core.errors import unknown
from dgm_core.training.setup import PROBLEM_PREFIX
from studies.study.branches import allowed, merged, places
from studies.study.questions import check_one_question
from studies.study.space import Choice, corners, distinct


def checked_space(name: str, base: Setup, space: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """The space of the search `name`, its choices as a setup has them.

    Raises ConfigurationError where the space has an unknown key, a value or a pair of extremes that the setup
    does not allow, or a value that changes the problem's solution.
    """
    checked = _Checking(name, base, space).checked(space, {})
    _check_pairs(base, checked)
    return checked


class _Checking:
    """The whole space, while its parts are checked."""

    def __init__(self, name: str, base: Setup, space: Mapping[str, Any]) -> None:
        self._name, self._base, self._space = name, base, space

    def checked(self, space: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, BaseDistribution]:
        """A part of the space.  above: the choices with which it exists."""
        setup, known = self._base.changed(above), self._base.keys()
        checked: dict[str, BaseDistribution] = {}
        for key, distribution in space.items():
            if key not in known:
                raise unknown(f"key of the space of {self._name}", key, known)
            if key in above:
                raise ConfigurationError(f"{key} of {self._name} depends on itself.")
            values = [self._value(setup, key, value) for value in corners(distribution)]
            if isinstance(distribution, Choice) and any(distribution.branches):
                below = [
                    self.checked(branch, {**above, key: value})
                    for value, branch in zip(values, distribution.branches, strict=True)
                ]
                checked[key] = Choice.with_branches(distinct(key, values).choices, below)
            else:
                categorical = isinstance(distribution, CategoricalDistribution)
                checked[key] = distinct(key, values) if categorical else distribution
        return checked

    def _value(self, setup: Setup, key: str, value: Any) -> Any:
        """A value as the setup has it."""
        changed = allowed(setup, key, value, self._space)
        if key.startswith(PROBLEM_PREFIX):
            check_one_question(self._name, self._base, changed, f"{key} = {value}")
        return changed.flat()[key]


def _check_pairs(base: Setup, space: Mapping[str, BaseDistribution]) -> None:
    """Tries the extremes of each two settings that can exist together."""
    merged(space)
    for first, second in combinations(places(space), 2):
        above = {**dict(first.when), **dict(second.when)}
        apart = any(above[key] != choice for key, choice in (*first.when, *second.when))
        if apart or first.key in above or second.key in above:
            continue
        for value, other in product(corners(first.distribution), corners(second.distribution)):
            base.changed({**above, first.key: value, second.key: other})
