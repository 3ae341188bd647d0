"""Heat through two layers of very different conductivity, in kelvins and watts: temperature and flux."""

import torch

from dgm_core.formulation import Box, Dirichlet, Problem


class TwoMaterials(Problem):
    """q = −k T', q' = 0 on [0, 2] m; k = 1.4 below 1 m, 400 above; 293 K below, 200 W/m² into the top."""

    outputs = ("T", "q")
    score = "rel_l2"
    domain = Box(x=(0.0, 2.0))

    def equation(self, y):
        k = torch.where(y.x < 1.0, 1.4, 400.0)
        return torch.cat([y.d(output=1) + k * y.d("x"), y.d("x", output=1)], dim=-1)

    @property
    def conditions(self):
        return {
            "bottom": (self.domain.at(x=0.0), Dirichlet(293.0, output=0)),
            "top": (self.domain.at(x=2.0), Dirichlet(-200.0, output=1)),
        }

    def reference(self, x):
        middle = 293.0 + 200.0 / 1.4
        temperature = torch.where(x < 1.0, 293.0 + 200.0 * x / 1.4, middle + 0.5 * (x - 1.0))
        return torch.cat([temperature, torch.full_like(x, -200.0)], dim=-1)
