"""A string with an overtone, its conditions built in by a form of its own."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, InitialVelocity, Problem

PI = math.pi


class HardWave(Problem):
    """u_tt = u_xx on [0, 1] × [0, 1], u = 0 at the ends, at rest; exact, two standing waves."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))
    hard_terms = ("ends", "start", "speed")

    def equation(self, y):
        return y.d("t", "t") - y.d("x", "x")

    @property
    def conditions(self):
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "start": (self.domain.initial, Dirichlet(self.reference)),
            "speed": (self.domain.initial, InitialVelocity()),
        }

    def constrain(self, x, raw):
        start = self.reference(torch.cat([x[..., :1], 0.0 * x[..., 1:]], dim=-1))
        return start + x[..., 1:] ** 2 * self.domain.bubble(x) * raw

    def reference(self, x):
        x, t = x[..., :1], x[..., 1:]
        first = torch.sin(PI * x) * torch.cos(PI * t)
        return first + 0.5 * torch.sin(2.0 * PI * x) * torch.cos(2.0 * PI * t)
