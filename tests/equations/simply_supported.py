"""A simply supported square plate: the bilaplacian."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, Holds, Problem

PI = math.pi


class SimplySupported(Problem):
    """Δ²u = 4 π⁴ sin π x sin π y on [0, 1]², u = Δu = 0 on the edge; exact."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))

    def equation(self, y):
        return y.bilaplacian() - 4.0 * PI**4 * self.reference(y.x)

    @property
    def conditions(self):
        edge = self.domain.boundary
        return {"edge": (edge, Dirichlet()), "moments": (edge, Holds(lambda y: y.laplacian()))}

    def reference(self, x):
        return torch.sin(PI * x[..., :1]) * torch.sin(PI * x[..., 1:])
