"""A Fredholm equation of the first kind."""

from __future__ import annotations

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.formulation.defaults import INTEGRAL, PLAIN_INTEGRAL
from dgm_core.formulation.domains import Box
from dgm_core.formulation.integral_equation import IntegralEquation


class FredholmFirstKind(IntegralEquation):
    """A Fredholm equation of the first kind with a truncated Laplace kernel (nondimensional).

        0 = g(x) + λ ∫₀¹ exp(x t) y(t) dt,   g(x) = −λ (exp(x + 1) − 1) / (x + 1)      on [0, 1]

    Exact: y = exp(t), by integrating exp((x + 1) t).  The kernel's singular values fall so fast that
    wildly different functions leave residuals near zero (Hansen, Discrete Inverse Problems, 2010): here
    the loss cannot stand in for the error.  Source: Detorakis, A Primer, eq. 28 with α = 0.
    """

    nodes: int = Bounded(default=50, ge=1, le=10_000, strict=True)

    source = "Detorakis, A Primer, eq. 28; Hansen (2010)"

    settings = {"default": PLAIN_INTEGRAL, "thorough": INTEGRAL["default"]}

    well_posed = False
    domain = Box(x=(0.0, 1.0))

    def alpha(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)

    def forcing(self, x: Tensor) -> Tensor:
        return -self.factor * torch.expm1(x + 1.0) / (x + 1.0)

    def kernel(self, x: Tensor, t: Tensor) -> Tensor:
        return torch.exp(x * t)

    def reference(self, x: Tensor) -> Tensor:
        return torch.exp(x)
