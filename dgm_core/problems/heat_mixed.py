"""Heat conduction between a cold and an insulated end."""

from __future__ import annotations

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor

from dgm_core.problems.base import PROBLEMS, STRICT
from dgm_core.problems.conditions import Condition, Dirichlet, Face, Neumann
from dgm_core.problems.conduction import HEAT_SETTINGS, Conduction


@PROBLEMS.register("heat-mixed")
@dataclass(frozen=True, config=STRICT)
class HeatMixed(Conduction):
    """Heat conduction in a bar with a cold and an insulated end: mixed conditions (nondimensional).

        u_t = κ u_xx,   u(x, 0) = sin(x/2),   u(0, t) = 0,   u_x(π, t) = 0      on [0, π] × [0, 3]

    Exact: u = sin(x/2) exp(−κ t/4).  Source: separation of variables; Farlow, Partial Differential
    Equations for Scientists and Engineers (1993).
    """

    name = "heat-mixed"
    source = "quarter-wave modes; Farlow (1993)"
    settings = {"default": HEAT_SETTINGS}
    default_settings = "default"

    def profile(self, x: Tensor) -> Tensor:
        return torch.sin(0.5 * x)

    @property
    def boundary(self) -> dict[str, tuple[Face, Condition]]:
        bar = self.inputs[0]
        return {"left": (Face.lower(bar), Dirichlet()), "right": (Face.upper(bar), Neumann())}

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(0.5 * x[..., :1]) * torch.exp(-0.25 * self.diffusivity * x[..., 1:])
