"""Volterra's equation of the second kind."""

import torch

from dgm_core.formulation import Box, IntegralEquation


class Growth(IntegralEquation):
    """y(x) = 1 + ∫₀ˣ y on [0, 2]; exact exp x."""

    score = "rel_l2"
    volterra = True
    domain = Box(x=(0.0, 2.0))

    def forcing(self, x):
        return torch.ones_like(x)

    def kernel(self, x, t):
        return torch.ones_like(t)

    def reference(self, x):
        return torch.exp(x)
