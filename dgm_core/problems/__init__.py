"""What is solved: one equation a file, found by its name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import Problem
from dgm_core.registry import Registry, subclasses

PROBLEMS: Registry[type[Problem]] = Registry("problem", __name__, lambda module: subclasses(module, Problem))


def load_problem(name: str, parameters: Mapping[str, Any] | None = None) -> Problem:
    """The problem called `name`: the program's, a user's, or the latest imported class so called.

    Raises ConfigurationError.
    """
    try:
        kind = PROBLEMS.get(name)
    except ConfigurationError:
        if name in PROBLEMS.names():  # which raises where it is defined twice
            raise
        imported = [kind for kind in _below(Problem) if kind.name == name and not inspect.isabstract(kind)]
        if not imported:
            raise
        kind = imported[-1]
    return kind.create(parameters or {})


def _below(kind: Any) -> Iterator[type[Problem]]:
    """Its subclasses at any depth, those of one class in the order of their definition."""
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _below(subclass)
