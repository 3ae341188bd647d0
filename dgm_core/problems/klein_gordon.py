"""The Klein–Gordon equation with a square in it."""

from __future__ import annotations

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Box, Condition, Dirichlet, InitialVelocity, Problem, Region
from dgm_core.formulation.defaults import PLAIN


class KleinGordon(Problem):
    """A nonlinear Klein–Gordon equation (nondimensional).

        u_tt − u_xx + u² = −x cos t + x² cos² t,   u(x, 0) = x,   u_t(x, 0) = 0,   u(±1, t) = ±cos t

    on [−1, 1] × [0, 10].  Exact: u = x cos t.  Source: Jagtap, Kharazmi and Karniadakis, "Conservative
    physics-informed neural networks on discrete domains" (2020) and those after them for the equation;
    DeepXDE's demo of it for the domain.
    """

    end: float = Bounded(default=10.0, gt=0, le=100.0)

    source = "Jagtap, Kharazmi and Karniadakis (2020)"
    score = "rel_l2"
    settings = {
        "default": {
            "depth": 2,
            "width": 24,
            "activation": "sin",
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 1_500,
            "optimizer": "ssbroyden",
            "iterations": 2_000,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    @property
    def domain(self) -> Box:
        return Box(x=(-1.0, 1.0), t=(0.0, self.end))

    def equation(self, y: Derivatives) -> Tensor:
        exact = self.reference(y.x)
        return y.d("t", "t") - y.d("x", "x") + y.value * y.value + exact - exact * exact

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {
            "initial": (self.domain.initial, Dirichlet(lambda x: x[..., :1])),
            "velocity": (self.domain.initial, InitialVelocity()),
            "left": (self.domain.at(x=-1.0), Dirichlet(self.reference)),
            "right": (self.domain.at(x=1.0), Dirichlet(self.reference)),
        }

    @property
    def hard_terms(self) -> tuple[str, ...]:
        # What joins both ends would be the solution itself.
        return ("initial", "velocity")

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """x + (1 − exp(−t²)) raw."""
        time = x[..., 1:]
        return x[..., :1] - torch.expm1(-(time * time)) * raw

    def reference(self, x: Tensor) -> Tensor:
        return x[..., :1] * torch.cos(x[..., 1:])
