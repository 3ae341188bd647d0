"""Transport around a circle, faster than a network likes."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Box, Condition, Dirichlet, Periodic, Problem, Region


class Advection(Problem):
    """Transport at constant speed around a circle (nondimensional).

        u_t + β u_x = 0,   u(x, 0) = sin x,   u(0, t) = u(2π, t)      on [0, 2π] × [0, 1]

    Exact: u = sin(x − β t).  Source: Krishnapriyan, Gholami, Zhe, Kirby and Mahoney, "Characterizing
    possible failure modes in physics-informed neural networks" (2021), section 4, with β = 30, where the
    plain training fails; errors there are relative 2-norms.
    """

    speed: float = Bounded(default=30.0, gt=0, le=1e3)  # β, length / time

    source = "Krishnapriyan et al. (2021)"
    score = "rel_l2"
    domain = Box(x=(0.0, 2.0 * math.pi), t=(0.0, 1.0))
    settings = {
        "default": {
            "depth": 3,
            "width": 64,
            "activation": "sin",
            "input_scaling": "unit",
            "hard_conditions": True,
            "batch_size": 128,
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "iterations": 5_000,
        }
    }

    def equation(self, y: Derivatives) -> Tensor:
        # In units of the speed, so that the residual is of the size of u.
        return y.d("t") / self.speed + y.d("x")

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        around = self.domain.axes[0]
        return {
            "initial": (self.domain.initial, Dirichlet(lambda x: torch.sin(x[..., :1]))),
            "periodic": (self.domain.at(x=around.lower), Periodic(around)),
        }

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return ("initial", *super().hard_terms)

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """sin x + (1 − exp(−t)) raw."""
        return torch.sin(x[..., :1]) - torch.expm1(-x[..., 1:]) * raw

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(x[..., :1] - self.speed * x[..., 1:])
