"""The Allen–Cahn equation: phases that separate, with steep walls between them."""

from __future__ import annotations

import math

import numpy as np
import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives, Field
from dgm_core.formulation import Box, Condition, Dirichlet, Periodic, Problem, Region
from dgm_core.formulation.defaults import PLAIN
from dgm_core.formulation.spectral import periodic_solution

NODES, STEPS, KEPT = 256, 300, 150
"""Of the coarser reference; the finer one has twice as many nodes and steps."""


class AllenCahn(Problem):
    """The Allen–Cahn equation on a circle (nondimensional).

        u_t − D u_xx = r (u − u³),   u(x, 0) = x² cos πx,   u(−1, t) = u(1, t)      on [−1, 1] × [0, 1]

    D = 1e-4, r = 5.  Reference: numerical, by Fourier series and an exponential Runge–Kutta method.
    Source: Raissi, Perdikaris and Karniadakis (2019), section 3.2; Wight and Zhao (2021).
    """

    diffusivity: float = Bounded(default=1e-4, ge=1e-5, le=1.0)  # D, length² / time
    rate: float = Bounded(default=5.0, gt=0, le=20.0)  # r, 1 / time

    source = "Raissi et al. (2019)"
    score = "rel_l2"
    resolution = 100
    reference_tolerance = 5e-3  # of the coarser one; the finer one has converged to 3e-5 in the 2-norm
    domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
    settings = {
        "default": {
            "depth": 3,
            "width": 24,
            "activation": "tanh",
            "input_scaling": "unit",
            "hard_conditions": True,
            "harmonics": 2,
            "sampler": "sobol",
            "batch_size": 3_000,
            "redraw_every": 500,
            "optimizer": "ssbroyden",
            "iterations": 12_000,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    def equation(self, y: Derivatives) -> Tensor:
        u = y.value
        return y.d("t") - self.diffusivity * y.d("x", "x") - self.rate * (u - u * u * u)

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
            initial=lambda x: x**2 * np.cos(np.pi * x),
            linear=lambda k: -self.diffusivity * k**2,
            nonlinear=lambda u, d: self.rate * (u - u**3),
            nodes=NODES * finer,
            steps=STEPS * finer,
            kept=KEPT,
        )


def _start(x: Tensor) -> Tensor:
    place = x[..., :1]
    return place * place * torch.cos(math.pi * place)
