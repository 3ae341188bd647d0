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
        own, other = self._split(unit)
        return torch.cat([self.first.place(own), self.second.place(other)], dim=-1)

    @property
    def rejects(self) -> bool:
        return self.first.rejects or self.second.rejects

    def accepted(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        own, other = self._split(unit)
        points = [self.first.accepted(own, generator), self.second.accepted(other, generator)]
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
        own, other = self._columns(x)
        normals = self._part.normals(own)
        zeros = torch.zeros_like(other)
        return torch.cat([normals, zeros] if self.of_first else [zeros, normals], dim=-1)

    def distance(self, x: Tensor) -> Tensor:
        return self._part.distance(self._columns(x)[0])

    @property
    def _part(self) -> Part:
        found = self.first if self.of_first else self.second
        assert isinstance(found, Part)
        return found

    def _columns(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the part, and the others."""
        count = len(self.first.bounds)
        one, other = x[..., :count], x[..., count:]
        return (one, other) if self.of_first else (other, one)


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
        one, other = self.first, self.second
        both = set(one.parts) & set(other.parts)
        found: dict[str, Part] = {}
        for name, part in one.parts.items():
            own = f"first_{name}" if name in both else name
            found[own] = Wall(part, other.interior, True, other.measure)
        for name, part in other.parts.items():
            own = f"second_{name}" if name in both else name
            found[own] = Wall(one.interior, part, False, one.measure)
        return found

    @property
    def measure(self) -> float:
        return self.first.measure * self.second.measure

    def contains(self, x: Tensor) -> Tensor:
        count = len(self.first.axes)
        return self.first.contains(x[..., :count]) & self.second.contains(x[..., count:])
