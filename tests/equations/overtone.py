"""A string with an overtone."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, InitialVelocity, Problem

PI = math.pi


class Overtone(Problem):
    """u_tt = 4 u_xx on [0, 1] × [0, 1], u = 0 at the ends, at rest; exact, two standing waves."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        return y.d("t", "t") - 4.0 * y.d("x", "x")

    @property
    def conditions(self):
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "start": (self.domain.initial, Dirichlet(self.reference)),
            "speed": (self.domain.initial, InitialVelocity()),
        }

    def reference(self, x):
        x, t = x[..., :1], x[..., 1:]
        first = torch.sin(PI * x) * torch.cos(2.0 * PI * t)
        return first + 0.5 * torch.sin(4.0 * PI * x) * torch.cos(8.0 * PI * t)
