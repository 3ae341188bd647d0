"""Poisson's equation in as many dimensions as one likes."""

from __future__ import annotations

import math

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives, Field, rademacher
from dgm_core.formulation import (
    Axis,
    Box,
    BoxRegion,
    Condition,
    Dirichlet,
    Energy,
    Points,
    Problem,
    Region,
    Residuals,
)
from dgm_core.formulation.defaults import PLAIN

_DRAWS = ("probes", "second probes")


class PoissonND(Problem):
    """Poisson's equation on the unit cube in d dimensions (nondimensional).

        −Δu = (π/2)²/d Σ sin(π xᵢ/2),   u as below on the boundary      on [0, 1]^d

    Exact: u = Σ sin(π xᵢ/2) / d.  Source: Weinan E and Yu, "The Deep Ritz method" (2018), for Poisson's
    equation on a cube in high dimensions; this solution is of the same kind, a sum over the axes.
    No published error for it is known to us (see docs/equations.md).

    With `probes` the Laplacian is estimated along that many random directions (Hutchinson; Hu et al. 2024).
    The estimate's variance, 2 Σ_{i≠j} H_ij² / probes, is zero at the solution, whose Hessian is diagonal, and
    not on the way to it; the product of two independent estimates leaves it out of the loss.
    """

    dimensions: int = Bounded(default=20, ge=1, le=1000)  # d
    probes: int | None = Bounded(default=None, ge=1, le=1000)
    """Random directions of each of two estimates of the Laplacian; none is the Laplacian itself."""

    name = "poisson-nd"
    source = "E and Yu (2018)"
    score = "rel_l2"
    settings = {
        # The winner of `dgm run poisson-nd-search --sampler tpe`, rounded.
        "default": {
            "depth": 3,
            "width": 32,
            "activation": "sin",
            "input_scaling": "unit",
            "batch_size": 170,
            "learning_rate": 2.8e-2,
            "schedule": "cosine",
            "iterations": 950,
            "polish_iterations": 800,
            "polish_points": 768,
            "loss_weights": {"boundary": 100.0},
        },
        "second-order": {
            # One layer: the solution is a sum of functions of one coordinate each.
            "depth": 1,
            "width": 40,
            "activation": "sin",
            "input_scaling": "unit",
            "sampler": "sobol",
            "batch_size": 1_500,
            "optimizer": "ssbroyden",
            "redraw_every": 300,
            "iterations": 4_000,
            "loss_weights": {"boundary": 100.0},
        },
        "plain": {**PLAIN, "iterations": 2_000},
    }

    @property
    def domain(self) -> Box:
        return Box.of([Axis(f"x{i}", 0.0, 1.0) for i in range(1, self.dimensions + 1)])

    def regions(self) -> dict[str, Region]:
        regions = super().regions()
        if self.probes is not None:
            cube = (0.0,) * self.dimensions, (1.0,) * self.dimensions
            regions |= {draw: BoxRegion(*cube, per_point=self.probes, independent=True) for draw in _DRAWS}
        return regions

    @property
    def terms(self) -> tuple[str, ...]:
        return ("interior", "boundary")

    def residuals(self, u: Field, points: Points) -> Residuals:
        if self.probes is None:
            return super().residuals(u, points)
        y = self.derivatives(u, points["interior"])
        shape = (*y.x.shape[:2], self.probes, self.dimensions)
        first, second = (
            -y.laplacian(probes=rademacher(points[draw]).reshape(shape)) - self._forcing(y.x)
            for draw in _DRAWS
        )
        boundary = points["boundary"]
        return {"interior": (first, second), "boundary": u(boundary) - self.reference(boundary)}

    def equation(self, y: Derivatives) -> Tensor:
        return -y.laplacian() - self._forcing(y.x)

    def energy(self, y: Derivatives) -> Energy:
        return Energy(y.gradient(), -self._forcing(y.x) * y.value)

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {"boundary": (self.domain.boundary, Dirichlet(self.reference))}

    def accurate(self) -> Problem:
        return self if self.probes is None else PoissonND(dimensions=self.dimensions)

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(0.5 * math.pi * x).mean(dim=-1, keepdim=True)

    def _forcing(self, x: Tensor) -> Tensor:
        return (0.5 * math.pi) ** 2 * self.reference(x)
