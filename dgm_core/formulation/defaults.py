"""Settings for a problem that names none, by its kind."""

from __future__ import annotations

from typing import Any

DIFFERENTIAL: dict[str, Any] = {
    "network": "mlp",
    "depth": 3,
    "width": 32,
    "activation": "tanh",
    "input_scaling": "unit",
    "batch_size": 64,
    "learning_rate": 1e-2,
    "schedule": "cosine",
    "iterations": 15_000,
}
"""The paper's network, batch and iterations for the heat equation, with a rate that falls from 1e-2 and
inputs mapped to [-1, 1], which its own settings lack."""

IN_TIME: dict[str, Any] = {**DIFFERENTIAL, "depth": 2, "iterations": 5_000}
"""For an initial value problem in time alone: the paper's sizes for exponential decay."""

INTEGRAL: dict[str, Any] = {
    "network": "mlp",
    "depth": 2,
    "width": 32,
    "activation": "tanh",
    "batch_size": 32,
    "learning_rate": 1e-2,
    "schedule": "cosine",
    "iterations": 5_000,
}
"""For integral equations, whose inputs are few and near zero."""

_SCALED: dict[str, Any] = {"input_scaling": "unit", "output_scaling": "unit", "hard_conditions": None}
"""In any units, and with hard conditions where the problem has a form for them (None)."""

THOROUGH: dict[str, Any] = {
    **DIFFERENTIAL,
    **_SCALED,
    "term_scaling": "unit",
    "iterations": 2_000,
    "polish_iterations": 1_000,
    "polish_points": 500,
}
"""Measured by `scripts/equations` on equations in their users' units (docs/own_equations.md)."""

THOROUGH_IN_TIME: dict[str, Any] = {
    **IN_TIME,
    **_SCALED,
    "iterations": 1_000,
    "windows": 10,
    "depth": 2,
    "polish_iterations": 200,
    "polish_points": 200,
}
"""Without scales of terms: errors at the start of an epidemic are small against all that follows."""

THOROUGH_INTEGRAL: dict[str, Any] = {
    **INTEGRAL,
    **_SCALED,
    "term_scaling": "unit",
    "problem.quadrature": "gauss-legendre",
    "problem.nodes": 20,
    "problem.unbiased": False,
    "iterations": 2_000,
    "polish_iterations": 500,
    "polish_points": 100,
}
"""With nodes that have no variance."""
