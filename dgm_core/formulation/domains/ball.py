"""Balls and annuli, in any dimension."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains.base import ROUNDING, Domain, Part
from dgm_core.formulation.regions import Axis, Region


@dataclass(frozen=True)
class Shell(Region):
    """The points between two radii around a centre; equal radii are a sphere."""

    centre: tuple[float, ...]
    inner: float
    outer: float

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((c - self.outer, c + self.outer) for c in self.centre)

    @property
    def coordinates(self) -> int:
        return _directions(len(self.centre)) + (self.inner < self.outer)

    def place(self, unit: Tensor) -> Tensor:
        d = len(self.centre)
        radius: Tensor | float = self.outer
        if self.inner < self.outer:
            # In units of the outer radius, whose power could overflow.
            hollow = (self.inner / self.outer) ** d
            radius = self.outer * (hollow + (1.0 - hollow) * unit[..., :1]).clamp_min(0.0) ** (1.0 / d)
            unit = unit[..., 1:]
        return unit.new_tensor(self.centre) + radius * _direction(unit, d)


@dataclass(frozen=True)
class Sphere(Part):
    """All points at one distance from a centre; the normal points outwards, or inwards (`sign` −1)."""

    centre: tuple[float, ...]
    radius: float
    sign: float = 1.0

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((c - self.radius, c + self.radius) for c in self.centre)

    @property
    def coordinates(self) -> int:
        return _directions(len(self.centre))

    @property
    def measure(self) -> float:
        d = len(self.centre)
        return d * _unit_ball(d) * self.radius ** (d - 1)

    def place(self, unit: Tensor) -> Tensor:
        return Shell(self.centre, self.radius, self.radius).place(unit)

    def distance(self, x: Tensor) -> Tensor:
        return ((x - x.new_tensor(self.centre)).norm(dim=-1) - self.radius).abs()

    def normals(self, x: Tensor) -> Tensor:
        out = x - x.new_tensor(self.centre)
        return self.sign * out / out.norm(dim=-1, keepdim=True)


@dataclass(frozen=True)
class Annulus(Domain):
    """The points between two radii around a centre, in two dimensions or more; parts "inner", "outer"."""

    centre: tuple[float, ...] = (0.0, 0.0)
    inner: float = 0.5
    outer: float = 1.0
    names: tuple[str, ...] = ("x", "y")

    def __post_init__(self) -> None:
        _check(self.centre, self.names)
        if not 0.0 < self.inner < self.outer < math.inf:
            raise ConfigurationError(
                f"radii {self.inner:g} and {self.outer:g} are not allowed: 0 < inner < outer, both finite."
            )

    @property
    def axes(self) -> tuple[Axis, ...]:
        pairs = zip(self.names, self.centre, strict=True)
        return tuple(Axis(name, c - self.outer, c + self.outer) for name, c in pairs)

    @property
    def interior(self) -> Region:
        return Shell(self.centre, self.inner, self.outer)

    @property
    def parts(self) -> Mapping[str, Part]:
        return {"inner": Sphere(self.centre, self.inner, -1.0), "outer": Sphere(self.centre, self.outer)}

    @property
    def measure(self) -> float:
        d = len(self.centre)
        return _unit_ball(d) * (self.outer**d - self.inner**d)

    def contains(self, x: Tensor) -> Tensor:
        distance = (x - x.new_tensor(self.centre)).norm(dim=-1)
        slack = _slack(self.centre, self.outer)
        return (distance >= self.inner - slack) & (distance <= self.outer + slack)


@dataclass(frozen=True)
class Ball(Domain):
    """A disc, a ball and so on: the points within `radius` of `centre`; its part is "surface"."""

    centre: tuple[float, ...] = (0.0, 0.0)
    radius: float = 1.0
    names: tuple[str, ...] = ("x", "y")

    def __post_init__(self) -> None:
        _check(self.centre, self.names)
        if not 0.0 < self.radius < math.inf:
            raise ConfigurationError(f"a radius of {self.radius:g} is not allowed: it must be above 0.")

    @property
    def axes(self) -> tuple[Axis, ...]:
        pairs = zip(self.names, self.centre, strict=True)
        return tuple(Axis(name, c - self.radius, c + self.radius) for name, c in pairs)

    @property
    def interior(self) -> Region:
        return Shell(self.centre, 0.0, self.radius)

    @property
    def parts(self) -> Mapping[str, Part]:
        return {"surface": Sphere(self.centre, self.radius)}

    @property
    def boundary(self) -> Part:
        return Sphere(self.centre, self.radius)

    @property
    def measure(self) -> float:
        return _unit_ball(len(self.centre)) * self.radius ** len(self.centre)

    def contains(self, x: Tensor) -> Tensor:
        return (x - x.new_tensor(self.centre)).norm(dim=-1) <= self.radius + _slack(self.centre, self.radius)


def _check(centre: tuple[float, ...], names: tuple[str, ...]) -> None:
    if len(centre) != len(names) or len(names) < 2:
        raise ConfigurationError(
            f"a centre {centre} with the axes {', '.join(names)} is not allowed: "
            "it needs a coordinate for each axis, and two axes or more."
        )


def _slack(centre: tuple[float, ...], radius: float) -> float:
    """How far outside a point of the boundary may lie, by rounding of the radius or of coordinates."""
    return ROUNDING * radius + 1e-15 * len(centre) * max(map(abs, centre))


def _unit_ball(d: int) -> float:
    """Content of the unit ball in d dimensions."""
    return math.pi ** (d / 2) / math.gamma(d / 2 + 1)


def _directions(d: int) -> int:
    """Coordinates of the unit cube that a direction takes: an angle in the plane, else d normal numbers."""
    return 1 if d == 2 else d


def _direction(unit: Tensor, d: int) -> Tensor:
    """Uniform unit vectors (..., d): by their angle, or normal vectors scaled (Muller 1959)."""
    if d == 2:
        angle = 2.0 * math.pi * unit
        return torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1)
    normal = torch.special.ndtri(unit.clamp(1e-12, 1.0 - 1e-12))
    return normal / normal.norm(dim=-1, keepdim=True).clamp_min(1e-300)
