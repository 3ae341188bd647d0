"""The Fredholm equation of the second kind: the paper's integral equation."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains import Box
from dgm_core.formulation.integral_equation import IntegralEquation, Quadrature


class Fredholm(IntegralEquation):
    """A Fredholm equation of the second kind (nondimensional).

        y(x) = sin x + λ ∫₀^{π/2} sin(x) cos(t) y(t) dt      on [0, π/2]

    Exact: y = 2 sin(x) / (2 − λ), the paper's 2 sin x with λ = 1; none for λ = 2.  Source: Detorakis,
    A Primer, eq. 31; Guan, Fang, Zhang and Jin (2022) for its Monte-Carlo integral.

    The paper's squared loss with a Monte-Carlo integral is not least at the solution.  Among the
    functions c sin x its expectation is proportional to (c/2 − 1)² + c² v/m, where v = π²/32 − 1/4 is
    the variance of one sample and m the number of nodes: the least is at c = 2 / (1 + 4 v/m), for
    m = 50 an error of 0.5 % or a MAE of 0.006 that no amount of training removes.  Choose a
    quadrature without that variance, or `unbiased`.
    """

    quadrature: Quadrature = "monte-carlo"
    nodes: int = Bounded(default=50, ge=1, le=10_000, strict=True)

    source = "Detorakis, A Primer, eq. 31; Guan et al. (2022)"
    reported_mae = 0.0134
    settings = {
        "paper": {
            "network": "dgm",
            "depth": 1,
            "width": 32,
            "activation": "relu",
            "gain": 1.0,
            "batch_size": 32,
            "learning_rate": 1e-4,
            "iterations": 3_000,
        },
        "tuned": {
            "problem.quadrature": "gauss-legendre",
            "problem.nodes": 47,
            "network": "dgm",
            "depth": 2,
            "width": 19,
            "activation": "sin",
            "batch_size": 18,
            "learning_rate": 1.4e-2,
            "schedule": "cosine",
            "iterations": 2_300,
            "polish_iterations": 500,
            "polish_points": 50,
        },
        "second-order": {
            "problem.quadrature": "gauss-legendre",
            "problem.nodes": 16,
            "depth": 2,
            "width": 8,
            "activation": "sin",
            "gain": 2.0,
            "sampler": "sobol",
            "batch_size": 32,
            "optimizer": "gauss-newton",
            "damping": 1e-10,
            "iterations": 60,
        },
    }
    tuned_by = "dgm run fredholm-search --sampler tpe --time-limit 420"

    def __post_init__(self) -> None:
        if self.factor == 2.0:
            raise ConfigurationError(
                "problem.factor = 2 is not allowed: it is the characteristic value of the kernel, "
                "for which the equation has no solution."
            )
        super().__post_init__()

    domain = Box(x=(0.0, 0.5 * math.pi))

    def forcing(self, x: Tensor) -> Tensor:
        return torch.sin(x)

    def kernel(self, x: Tensor, t: Tensor) -> Tensor:
        return torch.sin(x) * torch.cos(t)

    def reference(self, x: Tensor) -> Tensor:
        return 2.0 / (2.0 - self.factor) * torch.sin(x)
