"""Heat conduction between insulated ends."""

from __future__ import annotations

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.formulation.conditions import Condition, Neumann
from dgm_core.formulation.conduction import LEFT, RIGHT, Conduction
from dgm_core.formulation.domains import Part


class HeatNeumann(Conduction):
    """Heat conduction in an insulated bar: Neumann conditions (nondimensional).

        u_t = κ u_xx,   u(x, 0) = cos(m x),   u_x(0, t) = u_x(π, t) = 0      on [0, π] × [0, 3]

    Exact: the cosine mode u = cos(m x) exp(−κ m² t).  Source: separation of variables; Farlow,
    Partial Differential Equations for Scientists and Engineers (1993).
    """

    mode: int = Bounded(default=1, ge=1, le=16, strict=True)  # m, half-waves along the bar

    source = "cosine modes; Farlow (1993)"

    def profile(self, x: Tensor) -> Tensor:
        return torch.cos(self.mode * x)

    @property
    def boundary(self) -> dict[str, tuple[Part, Condition]]:
        return {"left": (self.domain.at(x=LEFT), Neumann()), "right": (self.domain.at(x=RIGHT), Neumann())}

    def reference(self, x: Tensor) -> Tensor:
        return torch.cos(self.mode * x[..., :1]) * torch.exp(-self.diffusivity * self.mode**2 * x[..., 1:])
