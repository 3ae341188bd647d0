"""Bratu's equation: an exponential source."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

THETA = 1.5
LOAD = 2.0 * THETA**2 / math.cosh(THETA / 2.0) ** 2


class Bratu(Problem):
    """u'' + λ exp u = 0, u(0) = u(1) = 0, with 4 θ² = 2 λ cosh²(θ/2), θ = 1.5; exact, the lower branch."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + LOAD * torch.exp(y.value)

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return -2.0 * torch.log(torch.cosh(THETA * (x - 0.5)) / math.cosh(THETA / 2.0))
