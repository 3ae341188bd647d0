"""The wave equation with two modes of very different pitch."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Box, Condition, Dirichlet, InitialVelocity, Problem, Region
from dgm_core.formulation.defaults import PLAIN


class Wave(Problem):
    """A string held at both ends, that sounds its first mode and its fourth (nondimensional).

        u_tt − c² u_xx = 0,   u(x, 0) = sin πx + ½ sin 4πx,   u_t(x, 0) = 0,   u(0, t) = u(1, t) = 0

    on [0, 1]², c = 2.  Exact: u = sin πx cos cπt + ½ sin 4πx cos 4cπt.  Source: Wang, Yu and Perdikaris,
    "When and why PINNs fail to train: A neural tangent kernel perspective" (2022), section 7.
    """

    speed: float = Bounded(default=2.0, gt=0, le=20.0)  # c, length / time

    source = "Wang, Yu and Perdikaris (2022)"
    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))
    settings = {
        "default": {
            "depth": 2,
            "width": 32,
            "activation": "sin",
            "gain": 3.0,
            "input_scaling": "unit",
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 2_000,
            "optimizer": "ssbroyden",
            "iterations": 4_000,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    def equation(self, y: Derivatives) -> Tensor:
        return y.d("t", "t") - self.speed**2 * y.d("x", "x")

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {
            "initial": (self.domain.initial, Dirichlet(_plucked)),
            "velocity": (self.domain.initial, InitialVelocity()),
            "left": (self.domain.at(x=0.0), Dirichlet()),
            "right": (self.domain.at(x=1.0), Dirichlet()),
        }

    def reference(self, x: Tensor) -> Tensor:
        place, angle = math.pi * x[..., :1], math.pi * self.speed * x[..., 1:]
        low = torch.sin(place) * torch.cos(angle)
        return low + 0.5 * torch.sin(4.0 * place) * torch.cos(4.0 * angle)


def _plucked(x: Tensor) -> Tensor:
    place = math.pi * x[..., :1]
    return torch.sin(place) + 0.5 * torch.sin(4.0 * place)
