"""Heat conduction between a cold and an insulated end."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.formulation.conditions import Condition, Dirichlet, Neumann
from dgm_core.formulation.conduction import LEFT, RIGHT, Conduction
from dgm_core.formulation.domains import Part


class HeatMixed(Conduction):
    """Heat conduction in a bar with a cold and an insulated end: mixed conditions (nondimensional).

        u_t = κ u_xx,   u(x, 0) = sin(x/2),   u(0, t) = 0,   u_x(π, t) = 0      on [0, π] × [0, 3]

    Exact: u = sin(x/2) exp(−κ t/4).  Source: separation of variables; Farlow, Partial Differential
    Equations for Scientists and Engineers (1993).
    """

    source = "quarter-wave modes; Farlow (1993)"

    def profile(self, x: Tensor) -> Tensor:
        return torch.sin(0.5 * x)

    @property
    def boundary(self) -> dict[str, tuple[Part, Condition]]:
        return {"left": (self.domain.at(x=LEFT), Dirichlet()), "right": (self.domain.at(x=RIGHT), Neumann())}

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(0.5 * x[..., :1]) * torch.exp(-0.25 * self.diffusivity * x[..., 1:])
