"""What is solved: one equation a file, found by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dgm_core.formulation import Problem
from dgm_core.registry import Registry, subclasses

PROBLEMS: Registry[type[Problem]] = Registry("problem", __name__, lambda module: subclasses(module, Problem))


def load_problem(name: str, parameters: Mapping[str, Any] | None = None) -> Problem:
    """The problem called `name`, the program's own or a user's.  Raises ConfigurationError."""
    return PROBLEMS.get(name).create(parameters or {})
