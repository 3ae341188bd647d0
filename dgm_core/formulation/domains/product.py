"""Products of domains: cylinders, prisms, and whatever else is one shape along another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.calculus import TIME
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains.base import Domain, Part
from dgm_core.formulation.regions import Axis, Region


@dataclass(frozen=True)
class Crossed(Region):
    """All pairs of points of two regions, the coordinates of the first before those of the second."""

    first: Region
    second: Region

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return (*self.first.bounds, *self.second.bounds)

    @property
    def coordinates(self) -> int:
        return self.first.coordinates + self.second.coordinates

    def place(self, unit: Tensor) -> Tensor:
        first, second = self._split(unit)
        return torch.cat([self.first.place(first), self.second.place(second)], dim=-1)

    @property
    def rejects(self) -> bool:
        return self.first.rejects or self.second.rejects

    def accepted(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        first, second = self._split(unit)
        points = [self.first.accepted(first, generator), self.second.accepted(second, generator)]
        return torch.cat(points, dim=-1)

    def _split(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        return unit[..., : self.first.coordinates], unit[..., self.first.coordinates :]


@dataclass(frozen=True)
class Wall(Crossed, Part):
    """A part of one domain's boundary, along the whole of the other.

    of_first: whether it is the first whose boundary it is.  along: the other's measure.
    """

    of_first: bool
    along: float

    @property
    def measure(self) -> float:
        return self._part.measure * self.along

    def normals(self, x: Tensor) -> Tensor:
        of_part, others = self._columns(x)
        normals = self._part.normals(of_part)
        zeros = torch.zeros_like(others)
        return torch.cat([normals, zeros] if self.of_first else [zeros, normals], dim=-1)

    def distance(self, x: Tensor) -> Tensor:
        return self._part.distance(self._columns(x)[0])

    @property
    def _part(self) -> Part:
        part = self.first if self.of_first else self.second
        assert isinstance(part, Part)
        return part

    def _columns(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the part, and the others."""
        count = len(self.first.bounds)
        first, second = x[..., :count], x[..., count:]
        return (first, second) if self.of_first else (second, first)


@dataclass(frozen=True)
class Product(Domain):
    """All pairs of points of two domains: `Product(Ball(), Box(z=(0, 2)))` is a cylinder along z.

    Parts are those of both, here "surface", "z_min" and "z_max"; names that both have begin with "first_" and
    "second_".  `InTime` adds time afterwards.  Raises ConfigurationError where they share an axis, or one has
    time.
    """

    first: Domain
    second: Domain

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if len(set(names)) < len(names) or TIME in names:
            raise ConfigurationError(
                f"a product of domains of the axes {', '.join(names)} is not allowed: each axis occurs once, "
                "and time comes last (`InTime` adds it afterwards)."
            )

    @property
    def axes(self) -> tuple[Axis, ...]:
        return (*self.first.axes, *self.second.axes)

    @property
    def interior(self) -> Region:
        return Crossed(self.first.interior, self.second.interior)

    @property
    def parts(self) -> Mapping[str, Part]:
        first, second = self.first, self.second
        both = set(first.parts) & set(second.parts)
        walls: dict[str, Part] = {}
        for name, part in first.parts.items():
            title = f"first_{name}" if name in both else name
            walls[title] = Wall(part, second.interior, True, second.measure)
        for name, part in second.parts.items():
            title = f"second_{name}" if name in both else name
            walls[title] = Wall(first.interior, part, False, first.measure)
        return walls

    @property
    def measure(self) -> float:
        return self.first.measure * self.second.measure

    def contains(self, x: Tensor) -> Tensor:
        count = len(self.first.axes)
        return self.first.contains(x[..., :count]) & self.second.contains(x[..., count:])
