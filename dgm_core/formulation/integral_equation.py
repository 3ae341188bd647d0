"""Linear integral equations: second and first kind, Fredholm and Volterra."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.base import Problem
from dgm_core.formulation.defaults import INTEGRAL
from dgm_core.formulation.quadrature import count_of, gauss_legendre, sobol_set
from dgm_core.formulation.regions import BoxRegion, Region
from dgm_core.formulation.terms import Points, Residual, Residuals

Quadrature = Literal["monte-carlo", "quasi-monte-carlo", "gauss-legendre"]

_DRAWS = ("nodes", "second nodes")
"""Sampled terms that serve the integral; the second for an independent estimate of it."""
_ACCURATE_NODES = 50


class IntegralEquation(Problem):
    """A linear integral equation on [a, b] (nondimensional).

        α(x) y(x) = g(x) + λ ∫ₐᵇ K(x, t) y(t) dt

    With α = 1 it is of the second kind, with α = 0 of the first; `volterra` puts x in place of b.
    The integral is estimated from `nodes` values of y by

    - "monte-carlo": independent uniform nodes, drawn anew for every x (the paper's), whatever the
      sampler of the points x;
    - "quasi-monte-carlo": a Sobol set under a random shift, drawn at every iteration for all x;
    - "gauss-legendre": fixed nodes, the same for all x, exact for polynomials of degree 2 `nodes` − 1.

    A square takes the variance of a random estimate for a residual: E[r²] = (true residual)² +
    λ² Var(integral), and a network can lower the second part by shrinking y.  With `unbiased` the
    residual is a pair of independent estimates, whose product has the true square as its expectation.
    That product may be negative at a single point; only its expectation is not.
    """

    quadrature: Quadrature = "gauss-legendre"
    nodes: int = Bounded(default=20, ge=1, le=10_000, strict=True)
    unbiased: bool = False
    factor: float = 1.0  # λ

    outputs = ("y",)
    settings = INTEGRAL
    resolution = 50
    volterra: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.unbiased and self.quadrature == "gauss-legendre":
            raise ConfigurationError(
                "problem.unbiased = True is not allowed with problem.quadrature = 'gauss-legendre': "
                "fixed nodes have no variance, so there is no bias to remove."
            )
        if self.factor == 0.0 and not self.alpha(self.evaluation_points()).any():
            raise ConfigurationError(
                "problem.factor = 0 is not allowed for an equation of the first kind: "
                "the unknown function would drop out."
            )
        super().__post_init__()

    def alpha(self, x: Tensor) -> Tensor:
        """The coefficient of y(x), at x (..., 1): 1, the second kind, unless overridden."""
        return torch.ones_like(x)

    @abstractmethod
    def forcing(self, x: Tensor) -> Tensor:
        """g at x (..., 1)."""

    @abstractmethod
    def kernel(self, x: Tensor, t: Tensor) -> Tensor:
        """K at x and t, which broadcast."""

    @property
    def terms(self) -> tuple[str, ...]:
        return ("interior",)

    def regions(self) -> dict[str, Region]:
        regions: dict[str, Region] = {"interior": self.domain.interior}
        for draw in _DRAWS[: 2 if self.unbiased else 1]:
            if self.quadrature == "monte-carlo":
                regions[draw] = BoxRegion((0.0,), (1.0,), per_point=self.nodes, independent=True)
            elif self.quadrature == "quasi-monte-carlo":
                regions[draw] = BoxRegion((0.0,), (1.0,), total=1)  # the shift of the set
        return regions

    def residuals(self, u: Field, points: Points) -> Residuals:
        x = points["interior"]
        rules = [self._rule(points, draw, x) for draw in _DRAWS[: 2 if self.unbiased else 1]]
        nodes = [self._nodes(x, unit) for unit, _ in rules]
        # One evaluation of the field at all of them.
        every = torch.cat([x, *(t.reshape(len(x), -1, 1) for t in nodes)], dim=1)
        at_x, *at_nodes = u(every).split([x.shape[1], *(t[0].numel() for t in nodes)], dim=1)
        free = self.alpha(x) * at_x - self.forcing(x)
        estimates = [
            free - self.factor * self._integral(x, t, y.reshape(t.shape), weights)
            for t, y, (_, weights) in zip(nodes, at_nodes, rules, strict=True)
        ]
        residual: Residual = (estimates[0], estimates[1]) if self.unbiased else estimates[0]
        return {"interior": residual}

    def accurate(self) -> IntegralEquation:
        """The equation with many Gauss–Legendre nodes, exact to rounding for smooth functions."""
        if self.quadrature == "gauss-legendre" and self.nodes >= _ACCURATE_NODES:
            return self
        return dataclasses.replace(self, quadrature="gauss-legendre", nodes=_ACCURATE_NODES, unbiased=False)

    def _rule(self, points: Points, draw: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """Nodes (K or 1, n or 1, m) in the unit interval and their weights (m,)."""
        if self.quadrature == "gauss-legendre":
            nodes, weights = gauss_legendre(count_of(self.nodes))
            return nodes.to(x).view(1, 1, -1), weights.to(x)
        weights = x.new_full((self.nodes,), 1.0 / self.nodes)
        if self.quadrature == "monte-carlo":
            return points[draw].reshape(*x.shape[:2], self.nodes), weights
        return (sobol_set(self.nodes)[:, 0].to(x) + points[draw]) % 1.0, weights

    def _length(self, x: Tensor) -> Tensor:
        """Of the interval of the integral at x."""
        axis = self.inputs[0]
        return x - axis.lower if self.volterra else x.new_tensor(axis.upper - axis.lower)

    def _nodes(self, x: Tensor, unit: Tensor) -> Tensor:
        """Nodes (K, n or 1, m) of the integral at x, from those in the unit interval: one row where all x
        share them."""
        return (self.inputs[0].lower + self._length(x) * unit).expand(len(x), -1, -1)

    def _integral(self, x: Tensor, t: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """∫ K(x, t) y(t) dt, (K, n, 1), from values y at the nodes t."""
        return self._length(x) * ((self.kernel(x, t) * y) @ weights).unsqueeze(-1)
