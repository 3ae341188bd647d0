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
