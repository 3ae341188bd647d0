"""Heat conduction between insulated ends."""

from __future__ import annotations

import torch
from pydantic import Field as Bounded
from pydantic.dataclasses import dataclass
from torch import Tensor

from dgm_core.problems.base import PROBLEMS, STRICT
from dgm_core.problems.conditions import Condition, Face, Neumann
from dgm_core.problems.conduction import HEAT_SETTINGS, Conduction


@PROBLEMS.register("heat-neumann")
@dataclass(frozen=True, config=STRICT)
class HeatNeumann(Conduction):
    """Heat conduction in an insulated bar: Neumann conditions (nondimensional).

        u_t = κ u_xx,   u(x, 0) = cos(m x),   u_x(0, t) = u_x(π, t) = 0      on [0, π] × [0, 3]

    Exact: the cosine mode u = cos(m x) exp(−κ m² t).  Source: separation of variables; Farlow,
    Partial Differential Equations for Scientists and Engineers (1993).
    """

    mode: int = Bounded(default=1, ge=1, le=16, strict=True)  # m, half-waves along the bar

    name = "heat-neumann"
    source = "cosine modes; Farlow (1993)"
    settings = {"default": HEAT_SETTINGS}
    default_settings = "default"

    def profile(self, x: Tensor) -> Tensor:
        return torch.cos(self.mode * x)

    @property
    def boundary(self) -> dict[str, tuple[Face, Condition]]:
        bar = self.inputs[0]
        return {"left": (Face.lower(bar), Neumann()), "right": (Face.upper(bar), Neumann())}

    def reference(self, x: Tensor) -> Tensor:
        return torch.cos(self.mode * x[..., :1]) * torch.exp(-self.diffusivity * self.mode**2 * x[..., 1:])
