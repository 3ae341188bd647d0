"""A soliton of Korteweg and de Vries: three derivatives."""

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

SPEED = 2.0


class Soliton(Problem):
    """u_t + 6 u u_x + u_xxx = 0 on [−8, 12] × [0, 2]; exact, speed 2."""

    score = "rel_l2"
    domain = Box(x=(-8.0, 12.0), t=(0.0, 2.0))

    def equation(self, y):
        return y.d("t") + 6.0 * y.value * y.d("x") + y.d("x", "x", "x")

    @property
    def conditions(self):
        known = Dirichlet(self.reference)
        return {"start": (self.domain.initial, known), "ends": (self.domain.boundary, known)}

    def reference(self, x):
        phase = 0.5 * SPEED**0.5 * (x[..., :1] - SPEED * x[..., 1:])
        return 0.5 * SPEED / torch.cosh(phase) ** 2
