"""A string with an initial velocity."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, InitialVelocity, Problem

PI = math.pi


class PluckedString(Problem):
    """u_tt = u_xx on [0, 1] × [0, 1], u = 0 at the ends; exact, two standing waves."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        return y.d("t", "t") - y.d("x", "x")

    @property
    def conditions(self):
        speed = InitialVelocity(lambda x: PI * torch.sin(3.0 * PI * x[..., :1]))
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "shape": (self.domain.initial, Dirichlet(lambda x: 0.5 * torch.sin(PI * x[..., :1]))),
            "speed": (self.domain.initial, speed),
        }

    def reference(self, x):
        x, t = x[..., :1], x[..., 1:]
        first = 0.5 * torch.sin(PI * x) * torch.cos(PI * t)
        return first + torch.sin(3.0 * PI * x) * torch.sin(3.0 * PI * t) / 3.0
