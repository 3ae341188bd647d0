"""Conditions that any differential problem can place on its boundary, or anywhere else.

There is no class for mixed conditions: a problem places different conditions on its faces (see `heat-mixed`).
Source: Detorakis, A Primer, box 5.1; Farlow, Partial Differential Equations for Scientists and Engineers
(1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Number
from typing import Any

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Derivatives, Output, position_of
from dgm_core.errors import ConfigurationError, counted, unknown
from dgm_core.formulation.domains import Part
from dgm_core.formulation.references import Table
from dgm_core.formulation.regions import Axis, FixedNodes, Region

Data = Callable[[Tensor], Any] | Tensor | float | Sequence[Any]
"""What a condition prescribes: a number, or a function of the points x, (K, n, d) -> (K, n, 1); of several
outputs a tuple of these, or a function that returns one."""


def zero(x: Tensor) -> Tensor:
    """The data of a homogeneous condition."""
    return torch.zeros_like(x[..., :1])


def joined(given: Any, like: Tensor) -> Any:
    """Components that are given as a tuple, each (K, n, 1) or a number, side by side; anything else as it is.

    like: (K, n, c), what a number is spread over; a tensor, or what carries derivatives in place of one.
    """
    if not isinstance(given, tuple | list) or not given:
        return given
    if not all(isinstance(part, Tensor | Number | type(like)) for part in given):
        return given
    zeros = torch.zeros_like(like[..., :1])
    parts = [zeros + part if isinstance(part, Number) or not part.shape else part for part in given]
    return torch.cat(parts, dim=-1)


def evaluated(data: Data, x: Tensor) -> Any:
    """What data are at points x, (K, n, d)."""
    value = data(x) if callable(data) else data
    if isinstance(value, tuple | list):
        value = [part(x) if callable(part) else part for part in value]
    return joined(value, x)


def prescribed(data: Data, y: Derivatives, like: Tensor) -> Tensor | float:
    """What a condition prescribes at the points of y, to be compared with `like`, (K, n, c).

    Raises ValueError where it is neither a number nor a tensor, or has a shape of its own, that would be
    spread over all points.
    """
    value = evaluated(data, y.x)
    if not isinstance(value, Tensor | Number):
        raise ValueError(
            f"what it prescribes must be a number, a tensor, or a function of the points that returns one: "
            f"it is a {type(value).__name__}"
        )
    if not isinstance(value, Tensor) or value.dim() == 0:
        return value  # type: ignore[return-value]  # mypy does not count float as a Number
    if value.shape == like.shape[1:]:
        return value  # values at nodes, the same for every replicate
    # torch.broadcast_shapes would import sympy, which takes longer than a short training.
    fits = value.dim() == like.dim() and all(
        n in (1, m) for n, m in zip(value.shape, like.shape, strict=True)
    )
    if not fits:
        each = "" if like.shape[-1] == 1 else f" or {tuple(like.shape)}"
        slip = value.dim() < like.dim() or value.shape[-1] == like.shape[-2]
        hint = ": write x[..., :1] for a coordinate, and not x[..., 0]" if slip else ""
        raise ValueError(
            f"the data have the shape {tuple(value.shape)}, where it must be {(*like.shape[:2], 1)}{each} "
            f"for points {tuple(y.x.shape)}{hint}"
        )
    return value


class Condition:
    """What holds on a region."""

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        """(K, n, c) for the field's values and derivatives at points of the region.

        `other` holds those at the points that `elsewhere` gave.
        """
        raise NotImplementedError

    def elsewhere(self, x: Tensor, region: Region) -> Tensor | None:
        """Further points (K, n, d) at which the condition looks, for points x of the region."""
        return None

    def resolved(self, axes: Sequence[Axis], outputs: Sequence[str]) -> Condition:
        """The condition with axes and positions in place of names.  Raises ConfigurationError for an
        unknown one."""
        return self


class OfOutput(Condition):
    """A dataclass of a condition on one output, by name or position, or (None) on each of them."""

    output: Output | None

    @property
    def column(self) -> int | None:
        """The output's position, once it is `resolved`."""
        assert not isinstance(self.output, str)
        return self.output

    def values(self, y: Derivatives) -> Tensor:
        """(K, n, c) of the outputs it is on."""
        return y.value if self.output is None else y.d(output=self.output)

    def fluxes(self, y: Derivatives, region: Region) -> Tensor:
        """Their outward normal derivatives, (K, n, c)."""
        return self.of_each(y, lambda output: _flux(y, region, output))

    def of_each(self, y: Derivatives, quantity: Callable[[Output], Tensor]) -> Tensor:
        """A quantity (K, n, 1) of each of them, (K, n, c)."""
        count = y.value.shape[-1]
        if self.output is not None or count == 1:
            return quantity(self.output or 0)
        return torch.cat([quantity(output) for output in range(count)], dim=-1)

    def resolved(self, axes: Sequence[Axis], outputs: Sequence[str]) -> Condition:
        if not isinstance(self.output, str):
            return self
        resolved: Condition = replace(self, output=position_of(self.output, outputs, len(outputs)))  # type: ignore[type-var]
        return resolved


@dataclass(frozen=True)
class Holds(Condition):
    """Any residual of the values and derivatives on a region, (K, n, c)."""

    law: Callable[[Derivatives], Tensor]

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        held: Tensor = joined(self.law(y), y.value)
        return held


@dataclass(frozen=True)
class Dirichlet(OfOutput):
    """The value is prescribed: u = g, of one output or (None) of each of them."""

    value: Data = zero
    output: Output | None = None

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        value = self.values(y)
        return value - prescribed(self.value, y, value)


@dataclass(frozen=True)
class Neumann(OfOutput):
    """The outward normal derivative is prescribed: ∂u/∂n = g, of one output or (None) of each of them."""

    flux: Data = zero
    output: Output | None = None

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        flux = self.fluxes(y, region)
        return flux - prescribed(self.flux, y, flux)


@dataclass(frozen=True)
class Robin(OfOutput):
    """The flux is proportional to a difference in value: ∂u/∂n + h u = g (Newton's law of cooling).

    h, 1 / length, is a number or a function of the points, as g is.  Of one output or (None) of each of them.
    """

    coefficient: Data
    value: Data = zero
    output: Output | None = None

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        value = self.values(y)
        transfer = prescribed(self.coefficient, y, value)
        return self.fluxes(y, region) + transfer * value - prescribed(self.value, y, value)


@dataclass(frozen=True)
class Cauchy(OfOutput):
    """Value and outward normal derivative are both prescribed: u = g and ∂u/∂n = f; two components for one
    output or (None) for each of them."""

    value: Data = zero
    flux: Data = zero
    output: Output | None = None

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        here, flux = self.values(y), self.fluxes(y, region)
        value = here - prescribed(self.value, y, here)
        return torch.cat([value, flux - prescribed(self.flux, y, flux)], dim=-1)


@dataclass(frozen=True)
class InitialVelocity(OfOutput):
    """The rate of change in time is prescribed at an instant: ∂u/∂t = g, such as the initial velocity of a
    wave, of one output or (None) of each of them.

    Its region is `domain.initial`, or another instant.  An instant has no outward normal, so `Neumann`,
    `Robin` and `Cauchy` are errors there.
    """

    value: Data = zero
    output: Output | None = None

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        begin, end = region.bounds[-1]
        if TIME not in y.axes or begin != end:
            raise ConfigurationError(
                "InitialVelocity is allowed at an instant only, such as `domain.initial`: "
                f"{region} is not (`Holds` takes any law elsewhere)."
            )
        velocity = self.of_each(y, lambda output: y.d(TIME, output=output))
        return velocity - prescribed(self.value, y, velocity)


@dataclass(frozen=True, eq=False)
class Measured(OfOutput):
    """Measured values (N, c) of one output, or (None) of each, at the points of a table, all in each step.

    It brings its own region: `{"data": Measured(table)}`.  Points may repeat, and may lie on the boundary.
    """

    table: Table
    output: Output | None = None

    def __iter__(self) -> Iterator[Any]:
        """(region, condition), as any other entry of `conditions`."""
        return iter((FixedNodes.of(self.table.points), self))

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        field = self.values(y)
        values = self.table.values
        if values.shape[1] not in (1, field.shape[-1]):
            raise ValueError(
                f"the table has {counted(values.shape[1], 'column')} of values for "
                f"{counted(field.shape[-1], 'output')}"
            )
        return field - values.to(field)


@dataclass(frozen=True)
class Periodic(Condition):
    """The solution is periodic along an axis: placed on its lower end, compared with the upper one.

    Its region is that end: `"ring": (self.domain.parts["x_min"], Periodic("x"))`.  u and its first
    `derivatives` derivatives along the axis agree, for all outputs: one component each.  As a hard condition
    it holds by construction: the network then sees (cos, sin) of the axis.
    """

    axis: Axis | str
    derivatives: int = 1

    @property
    def around(self) -> Axis:
        """The axis, once it is `resolved`."""
        assert isinstance(self.axis, Axis)
        return self.axis

    def resolved(self, axes: Sequence[Axis], outputs: Sequence[str]) -> Condition:
        if isinstance(self.axis, Axis):
            return self
        named = {axis.name: axis for axis in axes}
        if self.axis not in named:
            raise unknown("axis", self.axis, named)
        return replace(self, axis=named[self.axis])

    def elsewhere(self, x: Tensor, region: Region) -> Tensor:
        around = self.around
        length = around.upper - around.lower
        fixed = [float(a == b == around.lower) for a, b in region.bounds]
        return x + length * x.new_tensor(fixed)

    def residual(self, y: Derivatives, region: Region, other: Derivatives | None = None) -> Tensor:
        assert other is not None
        jumps = [y.value - other.value]
        for output in range(y.value.shape[-1]):
            for order in range(1, self.derivatives + 1):
                path = [self.around.name] * order
                jumps.append(y.d(*path, output=output) - other.d(*path, output=output))
        return torch.cat(jumps, dim=-1)


def _flux(y: Derivatives, region: Region, output: Output) -> Tensor:
    if not isinstance(region, Part):
        raise ConfigurationError(f"a condition on ∂u/∂n needs a normal, and {region} has none.")
    return region.flux(y, output)
