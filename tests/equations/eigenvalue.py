"""The lowest eigenvalue, as a second output that is constant."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, Holds, Problem


class Eigenvalue(Problem):
    """−u'' = λ u on [0, 1], u = 0 at the ends, u'(0) = π; exact sin π x and π²."""

    score = "rel_l2"
    outputs = ("u", "eigenvalue")
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return torch.cat([y.d("x", "x") + y.d(output=1) * y.d(output=0), y.d("x", output=1)], dim=-1)

    @property
    def conditions(self):
        slope = Holds(lambda y: y.d("x") - math.pi)
        return {"ends": (self.domain.boundary, Dirichlet(output=0)), "slope": (self.domain.at(x=0.0), slope)}

    def reference(self, x):
        return torch.cat([torch.sin(math.pi * x), torch.full_like(x, math.pi**2)], dim=-1)
