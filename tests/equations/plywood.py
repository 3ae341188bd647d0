"""Heat in a sheet that conducts better along its grain: a matrix of conductivities."""

import torch

from dgm_core.formulation import Box, Dirichlet, Problem

K = torch.tensor([[2.0, 0.3], [0.3, 1.0]])


class Plywood(Problem):
    """div(K grad u) = 0 on the unit square; exact x² − 2 y² + x + y."""

    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))

    def equation(self, y):
        rows = [torch.cat([y.d(a, b) for b in "xy"], dim=-1) for a in "xy"]
        return (K @ torch.stack(rows, dim=-1)).diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)

    @property
    def conditions(self):
        return {"edge": (self.domain.boundary, Dirichlet(self.reference))}

    def reference(self, p):
        x, y = p[..., :1], p[..., 1:]
        return x**2 - 2.0 * y**2 + x + y
