"""Deep Galerkin solvers: one equation, K replicates trained as one batched axis."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgm_core.errors import ConfigurationError
    from dgm_core.formulation import Problem
    from dgm_core.problems import PROBLEMS, load_problem
    from dgm_core.training import Setup, Status, TrainConfig, Trainer, TrainResult, train

__all__ = [
    "PROBLEMS",
    "ConfigurationError",
    "Problem",
    "Setup",
    "Status",
    "TrainConfig",
    "TrainResult",
    "Trainer",
    "load_problem",
    "train",
]

_HOMES = {
    "dgm_core.errors": ("ConfigurationError",),
    "dgm_core.formulation": ("Problem",),
    "dgm_core.problems": ("PROBLEMS", "load_problem"),
}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: a report, or a mistyped option, needs no torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "dgm_core.training")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
