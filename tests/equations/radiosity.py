"""Fredholm's equation of the second kind, in hundreds of watts."""

import torch

from dgm_core.formulation import Box, IntegralEquation


class Radiosity(IntegralEquation):
    """y(x) = g(x) + 1/2 ∫₀¹ exp(x − t) y(t) dt on [0, 1]; exact 100 (1 + x exp x)."""

    score = "rel_l2"
    factor: float = 0.5
    domain = Box(x=(0.0, 1.0))

    def forcing(self, x):
        moment = 1.0 - torch.exp(-torch.ones_like(x)) + 0.5
        return self.reference(x) - 50.0 * torch.exp(x) * moment

    def kernel(self, x, t):
        return torch.exp(x - t)

    def reference(self, x):
        return 100.0 * (1.0 + x * torch.exp(x))
