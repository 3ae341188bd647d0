"""Poisson's equation on an L: a corner that no polynomial knows."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation import Condition, Dirichlet, Energy, Polygon, Problem, Region


class PoissonLShape(Problem):
    """Poisson's equation without a source on an L-shaped domain (nondimensional).

        u_xx + u_yy = 0,   u as below on the boundary      on [−1, 1]² without the quadrant x > 0, y < 0

    Exact: u = r^(2/3) sin(2 φ/3), with φ from 0 to 3π/2 between the edges of the inner corner, at which the
    gradient is infinite.  Source: Mitchell, "A collection of 2D elliptic problems for testing adaptive grid
    refinement algorithms" (2013), its reentrant corner with ω = 3π/2.  No published error of a network is
    known to us (see docs/equations.md).
    """

    name = "poisson-l-shape"
    source = "Mitchell (2013)"
    score = "rel_l2"
    domain = Polygon(((-1.0, -1.0), (0.0, -1.0), (0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (-1.0, 1.0)))
    # Of the 40 × 40 nodes of the square, none lies on the corner itself.
    settings = {
        "default": {
            "depth": 4,
            "width": 32,
            "activation": "tanh",
            "batch_size": 256,
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "iterations": 5_000,
            "loss_weights": {"boundary": 100.0},
        },
        "second-order": {
            "depth": 3,
            "width": 20,
            "activation": "tanh",
            "sampler": "sobol",
            "batch_size": 1_000,
            "redraw_every": 150,
            "optimizer": "ssbroyden",
            "iterations": 900,
            "loss_weights": {"boundary": 100.0},
        },
    }

    def equation(self, y: Derivatives) -> Tensor:
        return y.laplacian()

    def energy(self, y: Derivatives) -> Energy:
        return Energy(y.gradient(), torch.zeros_like(y.value))

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        return {"boundary": (self.domain.boundary, Dirichlet(self.reference))}

    def reference(self, x: Tensor) -> Tensor:
        # Turned by 3π/4, so that the branch cut of the angle runs through the missing quadrant.
        turned = math.sqrt(0.5) * torch.stack([x[..., 1] - x[..., 0], -x[..., 0] - x[..., 1]], dim=-1)
        phi = torch.atan2(turned[..., 1:], turned[..., :1]) + 0.75 * math.pi
        square = x.square().sum(dim=-1, keepdim=True).clamp_min(1e-60)
        return square ** (1.0 / 3.0) * torch.sin(2.0 / 3.0 * phi)
