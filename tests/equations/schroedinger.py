"""A particle in a box: real and imaginary part."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, Problem


class Schroedinger(Problem):
    """i ψ_t = −ψ_xx / 2 on [0, π] × [0, 1], ψ = 0 at the ends; exact, two levels."""

    score = "rel_l2"
    outputs = ("re", "im")
    domain = Box(x=(0.0, math.pi), t=(0.0, 1.0))

    def equation(self, y):
        re = y.d("t", output=0) + 0.5 * y.d("x", "x", output=1)
        im = y.d("t", output=1) - 0.5 * y.d("x", "x", output=0)
        return torch.cat([re, im], dim=-1)

    @property
    def conditions(self):
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "start": (self.domain.initial, Dirichlet(self.reference)),
        }

    def reference(self, x):
        place, time = x[..., :1], x[..., 1:]
        one, two = torch.sin(place), torch.sin(2.0 * place)
        re = one * torch.cos(0.5 * time) + two * torch.cos(2.0 * time)
        im = -one * torch.sin(0.5 * time) - two * torch.sin(2.0 * time)
        return torch.cat([re, im], dim=-1)
