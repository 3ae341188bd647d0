"""Heat conduction known from one end alone."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.formulation.conditions import Cauchy, Condition
from dgm_core.formulation.conduction import LEFT, Conduction
from dgm_core.formulation.domains import Part


class HeatCauchy(Conduction):
    """Heat conduction with Cauchy data at one end and none at the other (nondimensional).

        u_t = κ u_xx,   u(x, 0) = sin x,   u(0, t) = 0,   u_x(0, t) = exp(−κ t)      on [0, π] × [0, 3]

    Exact: u = sin(x) exp(−κ t), as for `heat`; the right end is unknown.  This sideways problem has
    one solution, which depends on the data discontinuously (it is ill-posed in Hadamard's sense): a
    small residual says little about the error far from x = 0.  Source: Beck, Blackwell and St. Clair,
    Inverse Heat Conduction (1985).
    """

    source = "Beck, Blackwell and St. Clair (1985)"

    def profile(self, x: Tensor) -> Tensor:
        return torch.sin(x)

    @property
    def boundary(self) -> dict[str, tuple[Part, Condition]]:
        return {"left": (self.domain.at(x=LEFT), Cauchy(flux=self._outward_flux))}

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(x[..., :1]) * torch.exp(-self.diffusivity * x[..., 1:])

    def _outward_flux(self, x: Tensor) -> Tensor:
        return -torch.exp(-self.diffusivity * x[..., 1:])
