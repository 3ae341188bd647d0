"""The Helmholtz equation on a square: waves that do not decay."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Box, Condition, Dirichlet, Problem, Region
from dgm_core.formulation.defaults import PLAIN


class Helmholtz(Problem):
    """The Helmholtz equation on the unit square, its edge held at zero (nondimensional).

        −u_xx − u_yy − κ² u = κ² sin(κ x) sin(κ y),   u = 0 on the boundary      on [0, 1]², κ = m π

    Exact: u = sin(κ x) sin(κ y).  Source: Escapil-Inchauspé and Ruz, "Hyper-parameter tuning of
    physics-informed neural networks: Application to Helmholtz problems" (2023), with κ = 4π; errors there are
    relative 2-norms.  Published: from 0.591 to 1.19e-4 over a search (see docs/equations.md).
    """

    half_waves: int = Bounded(default=4, ge=1, le=16)  # m, along each side

    source = "Escapil-Inchauspé and Ruz (2023)"
    score = "rel_l2"
    domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))
    settings = {
        # The winner of `dgm run helmholtz-search --sampler tpe`, rounded; the gain is what makes waves of
        # the right length.
        "default": {
            "depth": 2,
            "width": 40,
            "activation": "sin",
            "gain": 3.9,
            "input_scaling": "unit",
            "hard_conditions": True,
            "batch_size": 170,
            "learning_rate": 6.3e-3,
            "schedule": "cosine",
            "iterations": 2_950,
            "polish_iterations": 1_500,
            "polish_points": 1_500,
        },
        "second-order": {
            "depth": 2,
            "width": 20,
            "activation": "sin",
            "gain": 3.9,
            "input_scaling": "unit",
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 500,
            "optimizer": "ssbroyden",
            "iterations": 5_000,
        },
        "plain": {**PLAIN, "hard_conditions": True},
    }

    @property
    def wavenumber(self) -> float:
        """κ, 1 / length."""
        return self.half_waves * math.pi

    def equation(self, y: Derivatives) -> Tensor:
        # In units of κ², so that the residual is of the size of u.
        return -y.laplacian() / self.wavenumber**2 - y.value - self.reference(y.x)

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {"boundary": (self.domain.boundary, Dirichlet())}

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return ("boundary",)

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        return self.domain.bubble(x) * raw

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(self.wavenumber * x).prod(dim=-1, keepdim=True)
