"""A cooling steel plate in metres, seconds and kelvins."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

CAPACITY, CONDUCTIVITY, LX, LY = 4e6, 200.0, 0.04, 0.02


class Plate(Problem):
    """ρ c u_t = k Δu on 0.04 m × 0.02 m × 3 s, from 1000 K, the edge at 300 K; exact, one mode."""

    score = "rel_l2"
    domain = Box(x=(0.0, LX), y=(0.0, LY), t=(0.0, 3.0))

    def equation(self, y):
        return CAPACITY * y.d("t") - CONDUCTIVITY * y.laplacian()

    @property
    def conditions(self):
        known = Dirichlet(self.reference)
        return {"start": (self.domain.initial, known), "edge": (self.domain.boundary, known)}

    def reference(self, x):
        rate = CONDUCTIVITY / CAPACITY * math.pi**2 * (1.0 / LX**2 + 1.0 / LY**2)
        mode = torch.sin(math.pi * x[..., :1] / LX) * torch.sin(math.pi * x[..., 1:2] / LY)
        return 300.0 + 700.0 * mode * torch.exp(-rate * x[..., 2:])
