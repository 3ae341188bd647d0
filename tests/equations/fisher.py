"""Fisher's travelling front."""

import torch

from dgm_core.formulation import Box, Dirichlet, Problem


class Fisher(Problem):
    """u_t = u_xx + u (1 − u) on [−10, 10] × [0, 3]; exact, Ablowitz and Zeppetella (1979)."""

    score = "rel_l2"
    domain = Box(x=(-10.0, 10.0), t=(0.0, 3.0))

    def equation(self, y):
        return y.d("t") - y.d("x", "x") - y.value * (1.0 - y.value)

    @property
    def conditions(self):
        known = Dirichlet(self.reference)
        return {"start": (self.domain.initial, known), "ends": (self.domain.boundary, known)}

    def reference(self, x):
        place, time = x[..., :1], x[..., 1:]
        return (1.0 + torch.exp((place - 5.0 / 6.0**0.5 * time) / 6.0**0.5)) ** -2
