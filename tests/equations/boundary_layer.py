"""Convection against a wall: a layer at one end."""

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

NU = 0.05


class BoundaryLayer(Problem):
    """u' − ν u'' = 0, u(0) = 0, u(1) = 1, ν = 0.05; exact."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x") - NU * y.d("x", "x")

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet(lambda x: x))}

    def reference(self, x):
        return torch.expm1(x / NU) / torch.expm1(torch.tensor(1.0 / NU, dtype=x.dtype))
