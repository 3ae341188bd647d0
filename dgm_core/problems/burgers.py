"""Burgers' equation: a shock that viscosity keeps smooth."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Box, Condition, Dirichlet, Problem, Region
from dgm_core.formulation.defaults import PLAIN

NODES = 120
"""Of the Gauss–Hermite quadrature; with twice as many the reference moves by less than 1e-9."""


class Burgers(Problem):
    """Burgers' equation with a small viscosity (nondimensional).

        u_t + u u_x = ν u_xx,   u(x, 0) = −sin(π x),   u(±1, t) = 0      on [−1, 1] × [0, 1], ν = 0.01/π

    Exact, by the transformation of Cole and Hopf, with φ(y) = exp(−cos(π y)/(2πν)) and s = √(4νt):

        u = −∫ sin(π(x − sη)) φ(x − sη) exp(−η²) dη / ∫ φ(x − sη) exp(−η²) dη

    both integrals by Gauss–Hermite quadrature.  Source: Basdevant et al. (1986); Raissi, Perdikaris and
    Karniadakis (2019).  Published: 6.7e-4, a relative 2-norm, in a preprint of the latter (see
    docs/equations.md).
    """

    viscosity: float = Bounded(default=0.01 / math.pi, ge=1e-3, le=1.0)  # ν, length² / time

    source = "Basdevant et al. (1986); Raissi et al. (2019)"
    score = "rel_l2"
    resolution = 100
    reference_tolerance = 1e-6
    domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
    settings = {
        # The winner of `dgm run burgers-search --sampler tpe`, rounded.
        "default": {
            "depth": 5,
            "width": 20,
            "activation": "tanh",
            "gain": 1.54,
            "input_scaling": "unit",
            "hard_conditions": True,
            "batch_size": 256,
            "learning_rate": 2.4e-3,
            "schedule": "cosine",
            "iterations": 2_010,
            "polish_iterations": 5_000,
            "polish_points": 4_000,
        },
        "second-order": {
            "depth": 3,
            "width": 20,
            "activation": "tanh",
            "input_scaling": "unit",
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 3_000,
            "redraw_every": 300,
            "adaptation": "rad",
            "optimizer": "ssbroyden",
            "iterations": 13_000,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    def equation(self, y: Derivatives) -> Tensor:
        return y.d("t") + y.value * y.d("x") - self.viscosity * y.d("x", "x")

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {
            "initial": (self.domain.initial, Dirichlet(lambda x: -torch.sin(math.pi * x[..., :1]))),
            "left": (self.domain.at(x=-1.0), Dirichlet()),
            "right": (self.domain.at(x=1.0), Dirichlet()),
        }

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return ("initial", "left", "right")

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """−sin(π x) + (1 − exp(−t)) (1 − x²) raw."""
        factor = -torch.expm1(-x[..., 1:]) * self.domain.bubble(x)
        return -torch.sin(math.pi * x[..., :1]) + factor * raw

    def reference(self, x: Tensor) -> Tensor:
        nodes, logs = _hermite(NODES)
        nodes, logs = nodes.to(x), logs.to(x)
        # At t = 0 the width is zero and its slope in t infinite; the value is that of the limit.
        width = torch.sqrt(4.0 * self.viscosity * x[..., 1:].clamp_min(1e-300))
        place = math.pi * (x[..., :1] - width * nodes)  # (..., m)
        share = torch.softmax(logs - torch.cos(place) / (2.0 * math.pi * self.viscosity), dim=-1)
        return -(share * torch.sin(place)).sum(dim=-1, keepdim=True)


@lru_cache(maxsize=4)
def _hermite(count: int) -> tuple[Tensor, Tensor]:
    """Nodes and logarithms of the weights (m,), float64, those below 1e-300 left out."""
    nodes, weights = np.polynomial.hermite.hermgauss(count)
    kept = weights > 1e-300
    return torch.from_numpy(nodes[kept]), torch.from_numpy(np.log(weights[kept]))
