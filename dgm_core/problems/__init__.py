"""What is solved: one equation a file, found by its registered name."""

from dgm_core.problems.base import (
    PROBLEMS,
    Axis,
    FixedNodes,
    Points,
    Problem,
    Region,
    Residual,
    Residuals,
    load_problem,
)
from dgm_core.problems.verification import verify

__all__ = [
    "PROBLEMS",
    "Axis",
    "FixedNodes",
    "Points",
    "Problem",
    "Region",
    "Residual",
    "Residuals",
    "load_problem",
    "verify",
]
