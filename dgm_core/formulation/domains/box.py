"""Boxes: intervals, rectangles, and so on, with time where an axis is called "t"."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Derivatives, Output
from dgm_core.errors import ConfigurationError, unknown
from dgm_core.formulation.domains.base import Domain, Part, no_normal, off_bounds, pick
from dgm_core.formulation.regions import Axis, BoxRegion, Parameter, Region


@dataclass(frozen=True)
class Face(Part):
    """The part of a box where an axis has one value: an end of it, or a slice inside.

    At an end the normal points out of the box, at a slice along the axis.  Corners and edges, where several
    axes have a value, have no normal, and neither do instants.
    """

    box: Box
    fixed: tuple[tuple[str, float], ...]

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        values = dict(self.fixed)
        return tuple((values.get(a.name, a.lower), values.get(a.name, a.upper)) for a in self.box.axes)

    @property
    def coordinates(self) -> int:
        return self._region.coordinates

    @property
    def measure(self) -> float:
        return math.prod(b - a for a, b in self.bounds if a < b)

    def place(self, unit: Tensor) -> Tensor:
        return self._region.place(unit)

    def normals(self, x: Tensor) -> Tensor:
        axis, sign = self._normal
        normals = torch.zeros_like(x)
        normals[..., [a.name for a in self.box.axes].index(axis)] = sign
        return normals

    def distance(self, x: Tensor) -> Tensor:
        return off_bounds(x, self.bounds)

    def flux(self, y: Derivatives, output: Output = 0) -> Tensor:
        axis, sign = self._normal
        return sign * y.d(axis, output=output)

    @property
    def _region(self) -> BoxRegion:
        lower, upper = zip(*self.bounds, strict=True)
        return BoxRegion(lower, upper)

    @property
    def _normal(self) -> tuple[str, float]:
        if len(self.fixed) != 1:
            where = ", ".join(f"{name} = {value:g}" for name, value in self.fixed)
            raise ConfigurationError(f"{where} has no normal: it fixes {len(self.fixed)} axes, not one.")
        ((name, value),) = self.fixed
        if name == TIME:
            raise no_normal(value)
        axis = next(a for a in self.box.axes if a.name == name)
        return name, -1.0 if value == axis.lower else 1.0


@dataclass(frozen=True)
class Sides(Part):
    """All ends of all axes in space of a box, in proportion to their sizes."""

    box: Box

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((axis.lower, axis.upper) for axis in self.box.axes)

    @property
    def coordinates(self) -> int:
        return max(1, len(self.box.axes) - 1)

    @property
    def measure(self) -> float:
        return sum(self._sizes)

    def place(self, unit: Tensor) -> Tensor:
        # The whole box's point, moved along the chosen axis to the chosen end: one pass whatever d.
        place, first = self._pick(unit)
        axis, end = place // 2, place % 2
        others = torch.cat([first[..., None], unit[..., 1:]], dim=-1)
        d = len(self.box.axes)
        column = torch.arange(d).expand(*unit.shape[:-1], d)
        source = (column - (column > axis[..., None]).long()).clamp_max(others.shape[-1] - 1)
        spread = others.gather(-1, source)
        spread = torch.where(column == axis[..., None], end[..., None].to(unit), spread)
        lower = unit.new_tensor([a.lower for a in self.box.axes])
        upper = unit.new_tensor([a.upper for a in self.box.axes])
        return torch.lerp(lower.expand_as(spread), upper.expand_as(spread), spread)

    def normals(self, x: Tensor) -> Tensor:
        """On an edge, where two faces meet, that of the first axis."""
        space = [i for i, axis in enumerate(self.box.axes) if axis.in_space]
        lower = x.new_tensor([self.box.axes[i].lower for i in space])
        upper = x.new_tensor([self.box.axes[i].upper for i in space])
        position = x[..., space]
        distance = torch.minimum((position - lower).abs(), (position - upper).abs())
        axis = distance.argmin(dim=-1, keepdim=True)
        near_lower = (position - lower).abs() <= (position - upper).abs()
        sign = torch.where(near_lower, -1.0, 1.0).to(x).gather(-1, axis)
        columns = torch.tensor(space, device=x.device)[axis]
        return torch.zeros_like(x).scatter(-1, columns, sign)

    def distance(self, x: Tensor) -> Tensor:
        """Of points inside: to the nearest side."""
        gaps = [
            torch.minimum((x[..., i] - axis.lower).abs(), (x[..., i] - axis.upper).abs())
            for i, axis in enumerate(self.box.axes)
            if axis.in_space
        ]
        return torch.stack(gaps).amin(dim=0)

    @property
    def _sizes(self) -> list[float]:
        axes = self.box.axes
        lengths = [axis.upper - axis.lower for axis in axes]
        whole = math.prod(lengths)
        ends = [whole / length for axis, length in zip(axes, lengths, strict=True) if axis.in_space]
        return [size for size in ends for _ in range(2)]

    def _pick(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        which, again = pick(unit, self._sizes)
        return which, again[..., 0]


def _axis(name: str, bounds: Any) -> Axis:
    try:
        lower, upper = (float(bound) for bound in bounds)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"{name}={bounds!r} of a Box is not allowed: it must be a pair of numbers, {name}=(0.0, 1.0)."
        ) from None
    return Axis(name, lower, upper, isinstance(bounds, Parameter))


@dataclass(frozen=True, init=False)
class Box(Domain):
    """A box, `Box(x=(0, 1), y=(0, 1))`; an axis called "t", time, comes last.

    Axes that are a `Parameter` come before it and after those of space.  They have no boundary, and
    Laplacians and divergences leave them out.
    """

    spans: tuple[Axis, ...]

    def __init__(self, *unnamed: Any, **bounds: tuple[float, float] | Parameter) -> None:
        if unnamed:
            raise ConfigurationError(
                f"Box({', '.join(map(repr, unnamed))}) is not allowed: name each axis, as in "
                "Box(x=(0.0, 1.0), t=(0.0, 2.0))."
            )
        self._set([_axis(name, pair) for name, pair in bounds.items()])

    @classmethod
    def of(cls, axes: Sequence[Axis]) -> Box:
        """The box of the given axes.  Raises ConfigurationError where there is none, or time is not last."""
        box = cls.__new__(cls)
        box._set(axes)
        return box

    def _set(self, axes: Sequence[Axis]) -> None:
        names = [axis.name for axis in axes]
        if not names or len(set(names)) != len(names):
            raise ConfigurationError(f"a box of the axes {names} is not allowed: one or more, all distinct.")
        if TIME in names[:-1]:
            raise ConfigurationError(
                f"a box of the axes {', '.join(names)} is not allowed: t must be the last."
            )
        kinds = [axis.parameter for axis in axes if axis.name != TIME]
        if kinds != sorted(kinds) or (axes[-1].parameter and axes[-1].name == TIME):
            raise ConfigurationError(
                f"a box of the axes {', '.join(names)} is not allowed: a Parameter comes after the axes of "
                "space, and time cannot be one."
            )
        for axis in axes:
            if not (math.isfinite(axis.upper - axis.lower) and axis.lower < axis.upper):
                raise ConfigurationError(
                    f"the axis {axis.name} = ({axis.lower:g}, {axis.upper:g}) is not allowed: "
                    "the bounds must be finite and in order."
                )
        object.__setattr__(self, "spans", tuple(axes))

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self.spans

    @property
    def interior(self) -> Region:
        return BoxRegion(tuple(a.lower for a in self.axes), tuple(a.upper for a in self.axes))

    @property
    def parts(self) -> Mapping[str, Part]:
        """`x_min`, `x_max` and so on: the ends of the axes in space."""
        return {
            f"{axis.name}_{end}": self.at(**{axis.name: value})
            for axis in self.axes
            if axis.in_space
            for end, value in (("min", axis.lower), ("max", axis.upper))
        }

    @property
    def boundary(self) -> Part:
        """All ends of all axes in space.  Raises ConfigurationError where there is none."""
        if not any(axis.in_space for axis in self.axes):
            raise ConfigurationError(f"{self} has no boundary: it has no axis in space (see `initial`).")
        return Sides(self)

    @property
    def initial(self) -> Part:
        """The instant at which time begins.  Raises ConfigurationError without an axis "t"."""
        if self.axes[-1].name != TIME:
            raise ConfigurationError(f"{self} has no initial time: none of its axes is called {TIME!r}.")
        return self.at(**{TIME: self.axes[-1].lower})

    @property
    def measure(self) -> float:
        return math.prod(axis.upper - axis.lower for axis in self.axes)

    def at(self, **values: float) -> Face:
        """The part where the named axes have the given values.

        Raises ConfigurationError where an axis is unknown or a value lies outside of it.
        """
        known = {axis.name: axis for axis in self.axes}
        for name, value in values.items():
            if name not in known:
                raise unknown("axis", name, known)
            if not known[name].lower <= value <= known[name].upper:
                raise ConfigurationError(
                    f"{name} = {value:g} is not allowed: it must lie in "
                    f"[{known[name].lower:g}, {known[name].upper:g}]."
                )
        return Face(
            self, tuple((axis.name, float(values[axis.name])) for axis in self.axes if axis.name in values)
        )

    def contains(self, x: Tensor) -> Tensor:
        lower = x.new_tensor([axis.lower for axis in self.axes])
        upper = x.new_tensor([axis.upper for axis in self.axes])
        return ((x >= lower) & (x <= upper)).all(dim=-1)

    def bubble(self, x: Tensor) -> Tensor:
        """Π 4 (x − a)(b − x) / (b − a)² over the axes in space, (..., 1): zero on the boundary, one in the
        centre.  A factor for hard conditions."""
        factor = torch.ones_like(x[..., :1])
        for i, axis in enumerate(self.axes):
            if axis.in_space:
                coordinate = x[..., i : i + 1]
                factor = (
                    factor
                    * (coordinate - axis.lower)
                    * (axis.upper - coordinate)
                    * (4.0 / (axis.upper - axis.lower) ** 2)
                )
        return factor

    def __repr__(self) -> str:
        inside = ", ".join(f"{axis.name}=({axis.lower:g}, {axis.upper:g})" for axis in self.axes)
        return f"Box({inside})"
