"""The heat equation for every diffusivity between two at once: a family of problems."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Box, Condition, Dirichlet, Parameter, Problem, Region
from dgm_core.formulation.defaults import PLAIN


class HeatFamily(Problem):
    """The heat equation on a rod with cold ends, for all diffusivities from 0.1 to 10 (nondimensional).

        u_t − κ u_xx = 0,   u(x, 0) = sin πx,   u(0, t) = u(1, t) = 0      on [0, 1] × [0, 0.2], κ = 10^p

    p in [−1, 1] is an input of the network: one training solves all.  The residual is divided by κ π²,
    so that each counts alike.  Exact: u = exp(−κ π² t) sin πx.  Source: Sun, Gao, Pan and Wang, "Surrogate
    modeling for fluid flows based on physics-constrained deep learning without simulation data" (2020), for
    networks that take an equation's parameters as inputs.
    """

    decades: float = Bounded(default=1.0, gt=0, le=2.0)  # below and above κ = 1

    source = "Sun, Gao, Pan and Wang (2020)"
    score = "rel_l2"
    settings = {
        "default": {
            "depth": 2,
            "width": 20,
            "activation": "tanh",
            "input_scaling": "unit",
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 1_500,
            "optimizer": "gauss-newton",
            "iterations": 150,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    @property
    def domain(self) -> Box:
        return Box(x=(0.0, 1.0), p=Parameter(-self.decades, self.decades), t=(0.0, 0.2))

    def equation(self, y: Derivatives) -> Tensor:
        return (y.d("t") / 10.0 ** y.x[..., 1:2] - y.laplacian()) / math.pi**2

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {
            "initial": (self.domain.initial, Dirichlet(_start)),
            "ends": (self.domain.boundary, Dirichlet()),
        }

    def reference(self, x: Tensor) -> Tensor:
        return torch.exp(-(10.0 ** x[..., 1:2]) * math.pi**2 * x[..., 2:]) * _start(x)


def _start(x: Tensor) -> Tensor:
    return torch.sin(math.pi * x[..., :1])
