"""Domains made of others: unions, differences, and spaces over a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from dgm_core.calculus import TIME
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains.base import Domain, Part, no_normal
from dgm_core.formulation.quadrature import sobol_set
from dgm_core.formulation.regions import Axis, BoxRegion, Region

_MEASURED_BY = 2**14
"""Points that estimate how much of a region is kept: to about one in a thousand."""
_ROUNDS = 200


class Kept(Region):
    """The points of another region that a rule keeps, drawn by rejection.

    What the sampler draws and the rule refuses is replaced by independent uniform points.
    """

    whole: Region

    def keeps(self, x: Tensor) -> Tensor:
        """Which of the points (..., d) are kept."""
        raise NotImplementedError

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return self.whole.bounds

    @property
    def coordinates(self) -> int:
        return self.whole.coordinates

    def place(self, unit: Tensor) -> Tensor:
        """On the whole region: `accepted` rejects what is not kept."""
        return self.whole.place(unit)

    @property
    def rejects(self) -> bool:
        return True

    def accepted(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        points = self.whole.accepted(unit, generator)
        for _ in range(_ROUNDS):
            bad = ~self.keeps(points)
            count = int(bad.sum())
            if not count:
                return points
            again = torch.rand(count, self.coordinates, dtype=torch.float64, generator=generator)
            points[bad] = self.whole.accepted(again, generator)
        raise ConfigurationError(f"{self} is empty, or nearly empty: no points were found in it.")


@dataclass(frozen=True)
class Inside(Kept):
    """The points of a domain's bounding region that the domain contains."""

    whole: Region
    domain: Domain

    def keeps(self, x: Tensor) -> Tensor:
        return self.domain.contains(x)


@dataclass(frozen=True)
class CutPart(Kept, Part):
    """A part of a boundary, as far as it lies inside another domain, or (`inside` false) outside.

    `sign` −1 turns its normals round.
    """

    whole: Part
    domain: Domain
    inside: bool
    sign: float = 1.0

    def keeps(self, x: Tensor) -> Tensor:
        return self.domain.contains(x) == self.inside

    @property
    def measure(self) -> float:
        """An estimate, by 16 384 Sobol points."""
        return self.whole.measure * _share(self)

    def normals(self, x: Tensor) -> Tensor:
        return self.sign * self.whole.normals(x)

    def distance(self, x: Tensor) -> Tensor:
        return self.whole.distance(x)


class _OfTwo(Domain):
    """What unions and differences share."""

    first: Domain
    second: Domain

    def __post_init__(self) -> None:
        axes, others = ([axis.name for axis in domain.axes] for domain in (self.first, self.second))
        if axes != others or TIME in axes:
            raise ConfigurationError(
                f"domains of the axes {', '.join(axes)} and {', '.join(others)} cannot be combined: they "
                "must be the same, and without time (`InTime` adds it afterwards)."
            )

    def _named(self, parts: Mapping[str, Part], others: Mapping[str, Part]) -> dict[str, Part]:
        """Both, those that are empty left out; names that both have are told apart."""
        both = set(parts) & set(others)
        named = {(f"first_{name}" if name in both else name): part for name, part in parts.items()}
        named |= {(f"second_{name}" if name in both else name): part for name, part in others.items()}
        return {name: part for name, part in named.items() if part.measure > 0}


@dataclass(frozen=True)
class Union(_OfTwo):
    """The points of either domain.  Names of parts that both have begin with "first_" and "second_"."""

    first: Domain
    second: Domain

    @property
    def axes(self) -> tuple[Axis, ...]:
        pairs = zip(self.first.axes, self.second.axes, strict=True)
        return tuple(Axis(a.name, min(a.lower, b.lower), max(a.upper, b.upper)) for a, b in pairs)

    @property
    def interior(self) -> Region:
        return Inside(_bounding(self), self)

    @property
    def parts(self) -> Mapping[str, Part]:
        first = {name: CutPart(part, self.second, False) for name, part in self.first.parts.items()}
        others = {name: CutPart(part, self.first, False) for name, part in self.second.parts.items()}
        return self._named(first, others)

    @property
    def measure(self) -> float:
        """An estimate, by 16 384 Sobol points."""
        return _content(self)

    def contains(self, x: Tensor) -> Tensor:
        return self.first.contains(x) | self.second.contains(x)


@dataclass(frozen=True)
class Difference(_OfTwo):
    """The points of the first domain outside the second: a hole, or a piece cut off."""

    first: Domain
    second: Domain

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self.first.axes

    @property
    def interior(self) -> Region:
        return Inside(self.first.interior, self)

    @property
    def parts(self) -> Mapping[str, Part]:
        first = {name: CutPart(part, self.second, False) for name, part in self.first.parts.items()}
        others = {name: CutPart(part, self.first, True, -1.0) for name, part in self.second.parts.items()}
        return self._named(first, others)

    @property
    def measure(self) -> float:
        """An estimate, by 16 384 Sobol points."""
        return self.first.measure * _share(Inside(self.first.interior, self))

    def contains(self, x: Tensor) -> Tensor:
        return self.first.contains(x) & ~self.second.contains(x)


@dataclass(frozen=True)
class Lasting(Part):
    """A region of space over a span of time; equal ends are an instant."""

    space: Region
    begin: float
    end: float

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return (*self.space.bounds, (self.begin, self.end))

    @property
    def coordinates(self) -> int:
        return self.space.coordinates + (self.begin < self.end)

    @property
    def measure(self) -> float:
        length = self.end - self.begin if self.begin < self.end else 1.0
        return length * self.space.measure if isinstance(self.space, Part) else length

    def place(self, unit: Tensor) -> Tensor:
        return self._joined(self.space.place(unit[..., : self.space.coordinates]), unit)

    @property
    def rejects(self) -> bool:
        return self.space.rejects

    def accepted(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        return self._joined(self.space.accepted(unit[..., : self.space.coordinates], generator), unit)

    def normals(self, x: Tensor) -> Tensor:
        if not isinstance(self.space, Part):
            raise no_normal(self.begin)
        return torch.cat([self.space.normals(x[..., :-1]), torch.zeros_like(x[..., -1:])], dim=-1)

    def distance(self, x: Tensor) -> Tensor:
        if isinstance(self.space, Part):
            return self.space.distance(x[..., :-1])
        return (x[..., -1] - self.begin).abs()

    def _joined(self, points: Tensor, unit: Tensor) -> Tensor:
        time = torch.full_like(points[..., :1], self.begin)
        return torch.cat(
            [points, time + (self.end - self.begin) * unit[..., -1:] if self.begin < self.end else time], -1
        )


@dataclass(frozen=True)
class InTime(Domain):
    """A domain in space over a span of time, `InTime(Ball(), t=(0, 1))`; its parts are those of space."""

    space: Domain
    t: tuple[float, float]

    def __post_init__(self) -> None:
        if TIME in [axis.name for axis in self.space.axes] or not self.t[0] < self.t[1]:
            raise ConfigurationError(
                f"t = {self.t} over {self.space} is not allowed: one time, its ends in order."
            )

    @property
    def axes(self) -> tuple[Axis, ...]:
        return (*self.space.axes, Axis(TIME, float(self.t[0]), float(self.t[1])))

    @property
    def interior(self) -> Region:
        return Lasting(self.space.interior, *self.t)

    @property
    def initial(self) -> Part:
        """The instant at which time begins, over the whole space."""
        return self.at(t=self.t[0])

    def at(self, t: float) -> Part:
        """The whole space at an instant.  Raises ConfigurationError for one outside of its time."""
        if not self.t[0] <= t <= self.t[1]:
            raise ConfigurationError(
                f"t = {t:g} is not allowed: it must lie in [{self.t[0]:g}, {self.t[1]:g}]."
            )
        return Lasting(self.space.interior, float(t), float(t))

    @property
    def parts(self) -> Mapping[str, Part]:
        return {name: Lasting(part, *self.t) for name, part in self.space.parts.items()}

    @property
    def boundary(self) -> Part:
        return Lasting(self.space.boundary, *self.t)

    @property
    def measure(self) -> float:
        return self.space.measure * (self.t[1] - self.t[0])

    def contains(self, x: Tensor) -> Tensor:
        time = x[..., -1]
        return self.space.contains(x[..., :-1]) & (time >= self.t[0]) & (time <= self.t[1])


def _bounding(domain: Domain) -> Region:
    return BoxRegion(tuple(a.lower for a in domain.axes), tuple(a.upper for a in domain.axes))


def _content(domain: Domain) -> float:
    box = 1.0
    for axis in domain.axes:
        box *= axis.upper - axis.lower
    return box * _share(Inside(_bounding(domain), domain))


@lru_cache(maxsize=256)
def _share(region: Kept) -> float:
    """How much of the whole region is kept."""
    unit = sobol_set(_MEASURED_BY, max(1, region.coordinates)) + 0.5 / _MEASURED_BY
    return float(region.keeps(region.whole.place(unit % 1.0)).double().mean())
