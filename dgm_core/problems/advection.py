"""Transport around a circle, over more waves than a network likes."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Box, Condition, Dirichlet, Periodic, Problem, Region
from dgm_core.formulation.defaults import PLAIN


class Advection(Problem):
    """Transport at constant speed around a circle (nondimensional).

        u_t + u_x = 0,   u(x, 0) = sin x,   u(0, t) = u(2π, t)      on [0, 2π] × [0, β]

    Exact: u = sin(x − t).  Time is in units of 1/β: it is u_t + β u_x = 0 on [0, 2π] × [0, 1] of the source,
    whose errors, relative 2-norms, no unit of time changes.  Scaled inputs ("unit") show a network that unit
    of time; unscaled ones show it time as long as its wave, which is the easier problem.
    Source: Krishnapriyan, Gholami, Zhe, Kirby and Mahoney, "Characterizing possible failure modes in
    physics-informed neural networks" (2021), section 4, with β = 30, where the plain training fails.
    Published figures: docs/equations.md.
    """

    speed: float = Bounded(default=30.0, gt=0, le=1e3)  # β, radians travelled

    source = "Krishnapriyan et al. (2021)"
    score = "rel_l2"
    settings = {
        # The winner of `dgm run advection-search --sampler tpe`, rounded.
        "default": {
            "depth": 2,
            "width": 40,
            "activation": "sin",
            "gain": 2.0,
            "hard_conditions": True,
            "batch_size": 512,
            "learning_rate": 6.9e-3,
            "schedule": "cosine",
            "causality": 1.8,
            "iterations": 5_770,
            "polish_iterations": 4_000,
            "polish_points": 1_000,
        },
        "second-order": {
            "depth": 2,
            "width": 28,
            "activation": "sin",
            "gain": 1.5,
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 1_200,
            "optimizer": "gauss-newton",
            "iterations": 150,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    @property
    def domain(self) -> Box:
        return Box(x=(0.0, 2.0 * math.pi), t=(0.0, self.speed))

    def equation(self, y: Derivatives) -> Tensor:
        return y.d("t") + y.d("x")

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
        return torch.sin(x[..., :1] - x[..., 1:])
