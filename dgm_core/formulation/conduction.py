"""The heat equation on an interval, whatever holds at its ends."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation.base import Problem
from dgm_core.formulation.conditions import Condition, Dirichlet
from dgm_core.formulation.defaults import PLAIN
from dgm_core.formulation.domains import Box, Part
from dgm_core.formulation.regions import Region

LEFT, RIGHT = 0.0, math.pi


class Conduction(Problem):
    """Heat conduction in a bar (nondimensional); subclasses add an initial profile and two ends.

    u_t = κ u_xx,   u(x, 0) = f(x)      on [0, π] × [0, 3]
    """

    diffusivity: float = Bounded(default=1.0, gt=0)  # κ, length² / time

    domain = Box(x=(LEFT, RIGHT), t=(0.0, 3.0))
    # Those of the paper's own heat equation have no map of the inputs either.
    settings = {"default": {**PLAIN, "input_scaling": "none"}}

    @abstractmethod
    def profile(self, x: Tensor) -> Tensor:
        """The initial temperature at positions x (..., 1), as (..., 1)."""

    @property
    @abstractmethod
    def boundary(self) -> dict[str, tuple[Part, Condition]]:
        """What holds at the ends of the bar, term by term."""

    def equation(self, y: Derivatives) -> Tensor:
        return y.d("t") - self.diffusivity * y.d("x", "x")

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        initial = Dirichlet(lambda x: self.profile(x[..., :1]))
        return {"initial": (self.domain.initial, initial), **self.boundary}

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return ("initial", *self._cold_ends)

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """f(x) + (1 − exp(−t)) Π |x − end| raw, the product over the ends held at zero.

        Distances are in half-lengths of the bar.
        """
        position, time = x[..., :1], x[..., 1:]
        factor = -torch.expm1(-time)
        for end in self._cold_ends.values():
            inward = position - LEFT if end == LEFT else RIGHT - position
            factor = factor * inward * (2.0 / math.pi)
        return self.profile(position) + factor * raw

    @property
    def _cold_ends(self) -> dict[str, float]:
        """Term -> position of the ends held at zero."""
        cold = {term: part for term, (part, condition) in self.boundary.items() if condition == Dirichlet()}
        return {term: part.bounds[0][0] for term, part in cold.items()}
