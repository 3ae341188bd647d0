"""Whether the plain values that a class declares are of the kind that they must be."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from dgm_core.errors import ConfigurationError, repeated
from dgm_core.formulation.references import Table


class Declaring(Protocol):
    """What is read of a problem."""

    name: ClassVar[str]


def _is_settings(value: Any) -> bool:
    named = isinstance(value, Mapping) and bool(value)
    return named and all(isinstance(each, Mapping) for each in value.values())


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


_DECLARED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "settings": (_is_settings, "settings by name, such as {'default': {'depth': 4}}"),
    "scales": (lambda value: isinstance(value, Mapping), "a dictionary, such as {'u': 1e5}"),
    "table": (lambda value: value is None or isinstance(value, Table), "a table, as Table.read makes it"),
    "hard_terms": (lambda value: not isinstance(value, str), "a tuple of names, such as ('ends',)"),
    "reference_tolerance": (_is_size, "a number of 0 or more"),
    "resolution": (lambda value: isinstance(value, int) and value > 0, "a whole number above 0"),
    "well_posed": (lambda value: isinstance(value, bool), "True or False"),
}
"""What a class declares -> whether a value is one, and what it must be."""


def check_declared(problem: Declaring) -> None:
    """Refuses what a class declares and the program would stumble over later.  Raises ConfigurationError."""
    for name, (allowed, rule) in _DECLARED.items():
        value = inspect.getattr_static(type(problem), name, property())
        # A property may say another thing for each instance.
        if not hasattr(value, "__get__") and not allowed(value):
            raise ConfigurationError(
                f"{name} = {repeated(value)} of {problem.name} is not allowed: it must be {rule}."
            )
