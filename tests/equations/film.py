"""Diffusion through a film of one micrometre."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

LENGTH, DIFFUSIVITY = 1e-6, 1e-12


class Film(Problem):
    """u_t = D u_xx on [0, 1 µm] × [0, 0.1 s], D = 10⁻¹² m²/s, u = 0 at the ends; exact, one mode."""

    score = "rel_l2"
    domain = Box(x=(0.0, LENGTH), t=(0.0, 0.1))

    def equation(self, y):
        return y.d("t") - DIFFUSIVITY * y.d("x", "x")

    @property
    def conditions(self):
        start = Dirichlet(lambda x: torch.sin(math.pi * x[..., :1] / LENGTH))
        return {"start": (self.domain.initial, start), "ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        rate = DIFFUSIVITY * (math.pi / LENGTH) ** 2
        return torch.sin(math.pi * x[..., :1] / LENGTH) * torch.exp(-rate * x[..., 1:])
