"""The heat equation on an interval, whatever holds at its ends."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from pydantic import Field as Bounded
from pydantic.dataclasses import dataclass
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.problems.base import STRICT, Axis, Points, Problem, Region, Residuals
from dgm_core.problems.conditions import Condition, Dirichlet, Face

HEAT_SETTINGS = {
    "network": "mlp",
    "depth": 3,
    "width": 32,
    "activation": "tanh",
    "batch_size": 64,
    "learning_rate": 1e-2,
    "schedule": "cosine",
    "iterations": 15_000,
}
"""Settings for the variants of the heat equation that the paper does not solve: its network, batch
and iterations, with a rate that falls from 1e-2."""


@dataclass(frozen=True, config=STRICT)
class Conduction(Problem):
    """Heat conduction in a bar (nondimensional); subclasses add an initial profile and two ends.

    u_t = κ u_xx,   u(x, 0) = f(x)      on [0, π] × [0, 3]
    """

    diffusivity: float = Bounded(default=1.0, gt=0)  # κ, length² / time

    outputs = ("u",)

    @property
    def inputs(self) -> tuple[Axis, ...]:
        return (Axis("x", 0.0, math.pi), Axis("t", 0.0, 3.0))

    @abstractmethod
    def profile(self, x: Tensor) -> Tensor:
        """The initial temperature at positions x (..., 1), as (..., 1)."""

    @property
    @abstractmethod
    def boundary(self) -> dict[str, tuple[Face, Condition]]:
        """What holds at the ends of the bar, term by term."""

    def regions(self) -> dict[str, Region]:
        regions = {"interior": self.region(), "initial": self.region(t=0.0)}
        for term, (face, _) in self.boundary.items():
            regions[term] = self.region(**{face.axis: face.at})  # type: ignore[arg-type]
        return regions

    def residuals(self, u: Field, points: Points) -> Residuals:
        y = self.derivatives(u, points["interior"])
        boundary = self.boundary
        faces = self.derivatives_at(u, points, ["initial", *boundary])
        initial = faces["initial"]
        residuals: Residuals = {
            "interior": y.d("t") - self.diffusivity * y.d("x", "x"),
            "initial": initial.value - self.profile(initial.x[..., :1]),
        }
        for term, (face, condition) in boundary.items():
            residuals[term] = condition.residual(faces[term], face)
        return residuals

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return ("initial", *self._cold_ends)

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """f(x) + (1 − exp(−t)) Π |x − end| raw, the product over the ends held at zero.

        Distances are in half-lengths of the bar.
        """
        position, time = x[..., :1], x[..., 1:]
        factor = -torch.expm1(-time)
        for face in self._cold_ends.values():
            inward = face.outward * (face.at - position)
            factor = factor * inward * (2.0 / math.pi)
        return self.profile(position) + factor * raw

    @property
    def _cold_ends(self) -> dict[str, Face]:
        return {term: face for term, (face, condition) in self.boundary.items() if condition == Dirichlet()}
