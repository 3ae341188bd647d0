"""Heat through the wall of a pipe, in millimetres and degrees."""

import math

import torch

from dgm_core.formulation import Annulus, Dirichlet, Problem


class Ring(Problem):
    """Δu = 0 between 20 and 50 mm, 90 °C inside, 15 °C outside; exact, a logarithm."""

    score = "rel_l2"
    domain = Annulus(inner=20.0, outer=50.0)

    def equation(self, y):
        return y.laplacian()

    @property
    def conditions(self):
        parts, known = self.domain.parts, Dirichlet(self.reference)
        return {"inside": (parts["inner"], known), "outside": (parts["outer"], known)}

    def reference(self, x):
        radius = x.square().sum(dim=-1, keepdim=True).sqrt()
        return 90.0 - 75.0 * torch.log(radius / 20.0) / math.log(2.5)
