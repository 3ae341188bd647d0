"""A viscous front that travels."""

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

NU = 0.02


class BurgersFront(Problem):
    """u_t + u u_x = ν u_xx on [0, 1] × [0, 1], ν = 0.02; exact, 1/2 (1 − tanh((x − 0.25 − t/2) / 4ν))."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        return y.d("t") + y.value * y.d("x") - NU * y.d("x", "x")

    @property
    def conditions(self):
        known = Dirichlet(self.reference)
        return {"start": (self.domain.initial, known), "ends": (self.domain.boundary, known)}

    def reference(self, x):
        return 0.5 * (1.0 - torch.tanh((x[..., :1] - 0.25 - 0.5 * x[..., 1:]) / (4.0 * NU)))
