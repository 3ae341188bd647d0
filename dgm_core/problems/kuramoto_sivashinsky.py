"""The Kuramoto–Sivashinsky equation, as long as it can be predicted."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives, Field
from dgm_core.formulation import Box, Condition, Dirichlet, Periodic, Problem, Region
from dgm_core.formulation.defaults import PLAIN
from dgm_core.formulation.spectral import periodic_solution

ADVECTION, GROWTH, DAMPING = 100 / 16, 100 / 16**2, 100 / 16**4
"""α, β and γ."""
NODES, STEPS, KEPT = 128, 600, 300
"""Of the coarser reference; the finer one has twice as many nodes and steps."""


class KuramotoSivashinsky(Problem):
    """The Kuramoto–Sivashinsky equation on a circle (nondimensional).

        u_t + α u u_x + β u_xx + γ u_xxxx = 0,   u(x, 0) = cos x (1 + sin x),   u(0, t) = u(2π, t)

    on [0, 2π] × [0, end], α = 100/16, β = 100/16², γ = 100/16⁴.  The eleventh harmonic grows by exp(25 t)
    until others hold it back.  Small errors do the same, and from t = 0.5 or so the solution is chaotic.
    Reference: numerical, by Fourier series and an exponential Runge–Kutta method.
    Source: Wang, Sankaran and Perdikaris, "Respecting causality for training physics-informed neural
    networks" (2022), section 5, whose figures are for t ≤ 1 in windows.
    """

    end: float = Bounded(default=0.2, gt=0, le=0.5)

    source = "Wang, Sankaran and Perdikaris (2022)"
    score = "rel_l2"
    resolution = 100
    reference_tolerance = 2e-3  # of a residual; the values of the finer one have converged to 1e-6
    settings = {
        "default": {
            "depth": 3,
            "width": 24,
            "activation": "tanh",
            "input_scaling": "unit",
            "hard_conditions": True,
            "harmonics": 5,
            "sampler": "sobol",
            "batch_size": 2_500,
            "adaptation": "rad",
            "redraw_every": 100,
            "optimizer": "ssbroyden",
            "windows": 5,
            "iterations": 2_500,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    @property
    def domain(self) -> Box:
        return Box(x=(0.0, 2.0 * np.pi), t=(0.0, self.end))

    def equation(self, y: Derivatives) -> Tensor:
        carried = ADVECTION * y.value * y.d("x")
        return y.d("t") + carried + GROWTH * y.d("x", "x") + DAMPING * y.d("x", "x", "x", "x")

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        around = self.domain.axes[0]
        return {
            "initial": (self.domain.initial, Dirichlet(_start)),
            "periodic": (self.domain.at(x=around.lower), Periodic(around)),
        }

    def solve(self, refinement: int) -> Field:
        space, time = self.domain.axes
        finer = 2**refinement
        return periodic_solution(
            space,
            time,
            initial=lambda x: np.cos(x) * (1.0 + np.sin(x)),
            linear=lambda k: GROWTH * k**2 - DAMPING * k**4,
            nonlinear=lambda u, d: -0.5 * ADVECTION * d(u * u),
            nodes=NODES * finer,
            steps=STEPS * finer,
            kept=KEPT,
        )


def _start(x: Tensor) -> Tensor:
    place = x[..., :1]
    return torch.cos(place) * (1.0 + torch.sin(place))
