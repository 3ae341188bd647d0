"""The questions: one study a file, found by its name."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from dgm_core.registry import Registry
from studies.study import Ablation, Search, Study


def _studies(module: ModuleType) -> Iterator[tuple[str, Study]]:
    """The studies among a module's names."""
    for value in vars(module).values():
        if isinstance(value, Search | Ablation):
            yield value.name, value


STUDIES: Registry[Study] = Registry("study", __name__, _studies)


def load_study(name: str) -> Study:
    """The study called `name`, the program's own or a user's.  Raises ConfigurationError."""
    return STUDIES.get(name)
