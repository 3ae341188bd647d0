"""A Volterra equation of the second kind."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.formulation.defaults import INTEGRAL, PLAIN_INTEGRAL
from dgm_core.formulation.domains import Box
from dgm_core.formulation.integral_equation import IntegralEquation


class Volterra(IntegralEquation):
    """A Volterra equation of the second kind, the oscillator's integral form (nondimensional).

        y(x) = x + λ ∫₀ˣ (t − x) y(t) dt      on [0, π]

    Exact: y = sin(√λ x) / √λ, since two derivatives make it y″ = −λ y, y(0) = 0, y′(0) = 1.  Source:
    Detorakis, A Primer, eq. 28 with x as upper limit; Wazwaz, Linear and Nonlinear Integral Equations
    (2011), for the equivalence.
    """

    nodes: int = Bounded(default=50, ge=1, le=10_000, strict=True)
    factor: float = Bounded(default=1.0, gt=0, le=100)  # λ

    source = "Detorakis, A Primer, eq. 28; Wazwaz (2011)"
    settings = {"default": PLAIN_INTEGRAL, "thorough": INTEGRAL["default"]}
    volterra = True

    domain = Box(x=(0.0, math.pi))

    def forcing(self, x: Tensor) -> Tensor:
        return x

    def kernel(self, x: Tensor, t: Tensor) -> Tensor:
        return t - x

    def reference(self, x: Tensor) -> Tensor:
        frequency = math.sqrt(self.factor)
        return torch.sin(frequency * x) / frequency
