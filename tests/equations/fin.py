"""A cooling fin: Robin's condition at its tip, in watts and metres."""

import math

import torch

from dgm_core.formulation import Box, Dirichlet, Problem, Robin

LENGTH, RATE, TIP = 0.05, 20.0, 0.25


class Fin(Problem):
    """k u'' = h P/A (u − 20), u(0) = 100 °C, −k u' = h (u − 20) at the tip of [0, 0.05 m]; exact."""

    score = "rel_l2"
    domain = Box(x=(0.0, LENGTH))

    def equation(self, y):
        return y.d("x", "x") - RATE**2 * (y.value - 20.0)

    @property
    def conditions(self):
        return {
            "base": (self.domain.at(x=0.0), Dirichlet(lambda x: 100.0 + 0.0 * x)),
            "tip": (self.domain.at(x=LENGTH), Robin(TIP, lambda x: 20.0 * TIP + 0.0 * x)),
        }

    def reference(self, x):
        rest, ratio = RATE * (LENGTH - x), TIP / RATE
        whole = math.cosh(RATE * LENGTH) + ratio * math.sinh(RATE * LENGTH)
        return 20.0 + 80.0 * (torch.cosh(rest) + ratio * torch.sinh(rest)) / whole
