"""Boundary conditions as parts that any differential problem can place on its faces.

Mixed conditions are no part of their own: the faces of one problem carry different parts (see
`heat-mixed`).  Source: Detorakis, A Primer, box 5.1; Farlow, Partial Differential Equations for
Scientists and Engineers (1993).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.problems.base import Axis

Data = Callable[[Tensor], Tensor]
"""What a condition prescribes at points x: (K, n, d) -> (K, n, 1)."""


def zero(x: Tensor) -> Tensor:
    """The data of a homogeneous condition."""
    return torch.zeros_like(x[..., :1])


@dataclass(frozen=True)
class Face:
    """One end of an axis; `outward` is the sign of the normal that points out of the domain."""

    axis: str
    at: float
    outward: float

    @classmethod
    def lower(cls, axis: Axis) -> Face:
        """The face at the axis's lower bound."""
        return cls(axis.name, axis.lower, -1.0)

    @classmethod
    def upper(cls, axis: Axis) -> Face:
        """The face at the axis's upper bound."""
        return cls(axis.name, axis.upper, 1.0)

    def flux(self, y: Derivatives) -> Tensor:
        """∂u/∂n along the outward normal, (K, n, 1)."""
        return self.outward * y.d(self.axis)


class Condition(Protocol):
    """What holds on a face."""

    def residual(self, y: Derivatives, face: Face) -> Tensor:
        """(K, n, c) for the field's values and derivatives at points of the face."""
        ...


@dataclass(frozen=True)
class Dirichlet:
    """The value is prescribed: u = g."""

    value: Data = zero

    def residual(self, y: Derivatives, face: Face) -> Tensor:
        return y.value - self.value(y.x)


@dataclass(frozen=True)
class Neumann:
    """The outward normal derivative is prescribed: ∂u/∂n = g."""

    flux: Data = zero

    def residual(self, y: Derivatives, face: Face) -> Tensor:
        return face.flux(y) - self.flux(y.x)


@dataclass(frozen=True)
class Robin:
    """The flux is proportional to a difference in value: ∂u/∂n + h u = g (Newton's law of cooling)."""

    coefficient: float  # h, 1 / length
    value: Data = zero

    def residual(self, y: Derivatives, face: Face) -> Tensor:
        return face.flux(y) + self.coefficient * y.value - self.value(y.x)


@dataclass(frozen=True)
class Cauchy:
    """Value and outward normal derivative are both prescribed: u = g and ∂u/∂n = f; two components."""

    value: Data = zero
    flux: Data = zero

    def residual(self, y: Derivatives, face: Face) -> Tensor:
        return torch.cat([y.value - self.value(y.x), face.flux(y) - self.flux(y.x)], dim=-1)
