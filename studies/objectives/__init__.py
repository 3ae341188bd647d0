"""What a search makes small beside the error, by name: one small file each, a user's own among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType

from dgm_core import ConfigurationError, Setup
from dgm_core.errors import unknown
from dgm_core.registry import Registry, subclasses
from studies.objectives.base import Aim

ERROR = "error"
"""The first objective of every search: what its winner is chosen and confirmed by."""


def _objectives(module: ModuleType) -> Iterator[tuple[str, type[Aim]]]:
    return subclasses(module, Aim)


OBJECTIVES: Registry[type[Aim]] = Registry("objective", __name__, _objectives)


def check_objectives(names: Sequence[str]) -> None:
    """Raises ConfigurationError for names that are none, doubled ones and any first but the error."""
    known = [ERROR, *OBJECTIVES.names()]
    for name in names:
        if name not in known:
            raise unknown("objective", name, known)
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"objectives = {', '.join(names)} is not allowed: each may appear only once."
        )
    if not names or names[0] != ERROR:
        raise ConfigurationError(
            f"objectives = {', '.join(names) or 'none'} is not allowed: {ERROR!r} must be the first of them."
        )


def costs(names: Sequence[str], setup: Setup, replicates: int) -> dict[str, float]:
    """The objectives but for the error, by name."""
    return {name: OBJECTIVES.get(name)().value(setup, replicates) for name in names if name != ERROR}


__all__ = ["ERROR", "OBJECTIVES", "Aim", "check_objectives", "costs"]
