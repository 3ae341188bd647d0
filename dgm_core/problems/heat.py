"""Heat conduction in one dimension."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from pydantic.dataclasses import dataclass
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.problems.base import PROBLEMS, STRICT, Axis, Points, Problem, Region, Residuals


@PROBLEMS.register("heat")
@dataclass(frozen=True, config=STRICT)
class Heat(Problem):
    """Heat conduction in a bar with cold ends (nondimensional).

        u_t = κ u_xx,   u(x, 0) = sin x,   u(0, t) = u(π, t) = 0      on [0, π] × [0, 3]

    Exact: u = sin(x) exp(−κ t).  Source: Detorakis, "Practical Aspects on Solving Differential
    Equations Using Deep Learning: A Primer", eq. 20.
    """

    diffusivity: float = Bounded(default=1.0, gt=0)  # κ, length² / time

    name = "heat"
    outputs = ("u",)
    source = "Detorakis, A Primer, eq. 20"
    reported_mae = 0.0529
    settings = {
        "paper": {
            "network": "mlp",
            "depth": 3,
            "width": 32,
            "activation": "tanh",
            "gain": 1.0,
            "batch_size": 64,
            "learning_rate": 1e-4,
            "iterations": 15_000,
        },
    }

    @property
    def inputs(self) -> tuple[Axis, ...]:
        return (Axis("x", 0.0, math.pi), Axis("t", 0.0, 3.0))

    def regions(self) -> dict[str, Region]:
        return {
            "interior": self.region(),
            "initial": self.region(t=0.0),
            "left": self.region(x=0.0),
            "right": self.region(x=math.pi),
        }

    def residuals(self, u: Field, points: Points) -> Residuals:
        y = self.derivatives(u, points["interior"])
        initial = points["initial"]
        return {
            "interior": y.d("t") - self.diffusivity * y.d("x", "x"),
            "initial": u(initial) - torch.sin(initial[..., :1]),
            "left": u(points["left"]),
            "right": u(points["right"]),
        }

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(x[..., :1]) * torch.exp(-self.diffusivity * x[..., 1:])
