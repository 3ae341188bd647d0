"""Asks a question with many trainings: searches and ablations on Ray Tune, with their records.

from studies import Ablation, Search, run, solve, trainable
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies.public import Result, run, solve
    from studies.running.starting import settings_of
    from studies.study import Ablation, Choice, PowersOfTwo, Prior, Resources, Search
    from studies.tune.plain import trainable

__all__ = [
    "Ablation",
    "Choice",
    "PowersOfTwo",
    "Prior",
    "Resources",
    "Result",
    "Search",
    "run",
    "settings_of",
    "solve",
    "trainable",
]

_HOMES = dict.fromkeys(("Ablation", "Choice", "PowersOfTwo", "Prior", "Resources", "Search"), "studies.study")
_HOMES |= {"trainable": "studies.tune.plain", "settings_of": "studies.running.starting"}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: a report needs neither Ray nor torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "studies.public")), name)
    globals()[name] = value
    return value
