"""Heat conduction between ends that cool by convection."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from pydantic import Field as Bounded
from scipy.optimize import brentq
from torch import Tensor

from dgm_core.formulation.conditions import Condition, Robin
from dgm_core.formulation.conduction import LEFT, RIGHT, Conduction
from dgm_core.formulation.domains import Part


class HeatRobin(Conduction):
    """Heat conduction in a bar that loses heat through both ends: Robin conditions (nondimensional).

        u_t = κ u_xx,   u(x, 0) = cos(μ (x − π/2)),   ∂u/∂n + h u = 0 at x = 0, π      on [0, π] × [0, 3]

    Exact: u = cos(μ (x − π/2)) exp(−κ μ² t) with μ tan(μ π/2) = h, the lowest mode; h = 1/2 makes
    μ = 1/2.  Source: Carslaw and Jaeger, Conduction of Heat in Solids (1959), radiation at the
    surface of a slab.
    """

    transfer: float = Bounded(default=0.5, gt=0, le=1e3)  # h, 1 / length

    source = "Carslaw and Jaeger (1959)"

    def profile(self, x: Tensor) -> Tensor:
        return torch.cos(_lowest_mode(self.transfer) * (x - 0.5 * math.pi))

    @property
    def boundary(self) -> dict[str, tuple[Part, Condition]]:
        cooled = Robin(self.transfer)
        return {"left": (self.domain.at(x=LEFT), cooled), "right": (self.domain.at(x=RIGHT), cooled)}

    def reference(self, x: Tensor) -> Tensor:
        rate = self.diffusivity * _lowest_mode(self.transfer) ** 2
        return self.profile(x[..., :1]) * torch.exp(-rate * x[..., 1:])


@lru_cache(maxsize=64)
def _lowest_mode(h: float) -> float:
    """The μ in (0, 1) with μ sin(μ π/2) = h cos(μ π/2)."""
    half = 0.5 * math.pi
    return brentq(lambda mu: mu * math.sin(mu * half) - h * math.cos(mu * half), 0.0, 1.0, xtol=1e-15)
