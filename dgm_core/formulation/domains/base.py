"""The one interface of every domain: its inside, the named parts of its boundary, and what it contains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.calculus import Derivatives, Output
from dgm_core.errors import ConfigurationError, unknown
from dgm_core.formulation.domains.corners import Corner
from dgm_core.formulation.regions import Axis, Region

ROUNDING = 1e-9
"""Of a domain's extent: what counts as no distance at all."""


class Part(Region):
    """A part of a boundary: a region with a normal."""

    @property
    @abstractmethod
    def measure(self) -> float:
        """Length, area or content, in the units of the axes: parts are drawn from in proportion to it."""

    @abstractmethod
    def normals(self, x: Tensor) -> Tensor:
        """The unit normals that point out of the domain, at points x (..., d) of the part, as (..., d)."""

    @abstractmethod
    def distance(self, x: Tensor) -> Tensor:
        """How far points x (..., d) are from the surface that the part belongs to, (...)."""

    def flux(self, y: Derivatives, output: Output = 0) -> Tensor:
        """∂u/∂n along the outward normal, (K, n, 1)."""
        return (self.normals(y.x.detach()) * y.gradient(output=output)).sum(dim=-1, keepdim=True)


class Domain(ABC):
    """A bounded set in the space of inputs; instances are frozen and hashable.

    An axis called "t" is time: its ends are instants, no boundary.
    """

    @property
    @abstractmethod
    def axes(self) -> tuple[Axis, ...]:
        """The named inputs with the bounds of the domain, time last."""

    @property
    def corners(self) -> tuple[Corner, ...]:
        """Where the boundary turns inwards, in the first two axes; those that are known."""
        return ()

    @property
    @abstractmethod
    def interior(self) -> Region:
        """The whole domain, to draw from."""

    @property
    @abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """The pieces of the boundary in space, by name."""

    @property
    def boundary(self) -> Part:
        """All parts together, drawn from in proportion to their size."""
        return Pieces(tuple(self.parts.values()))

    def joined(self, *names: str) -> Part:
        """Several parts as one, by their names.  Raises ConfigurationError for an unknown one."""
        self._known(names)
        return Pieces(tuple(self.parts[name] for name in names))

    def _known(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.parts:
                raise unknown("part", name, self.parts)
        if not names:
            raise ConfigurationError("no parts are named: name one or more.")

    @property
    @abstractmethod
    def measure(self) -> float:
        """Length, area, volume or content."""

    @abstractmethod
    def contains(self, x: Tensor) -> Tensor:
        """Which of the points x (..., d) lie inside or on the boundary, (...) bool."""


@dataclass(frozen=True)
class Pieces(Part):
    """Several parts as one; each is drawn from in proportion to its size.

    A point's first coordinate in the unit cube says which piece it lies on, and where in that piece's
    share it lies is the first coordinate there.
    """

    pieces: tuple[Part, ...]

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        every = [piece.bounds for piece in self.pieces]
        return tuple((min(a for a, _ in ends), max(b for _, b in ends)) for ends in zip(*every, strict=True))

    @property
    def coordinates(self) -> int:
        return max(1, *(piece.coordinates for piece in self.pieces))

    @property
    def measure(self) -> float:
        return sum(piece.measure for piece in self.pieces)

    def place(self, unit: Tensor) -> Tensor:
        return self._placed(unit, lambda piece, coordinates: piece.place(coordinates))

    @property
    def rejects(self) -> bool:
        return any(piece.rejects for piece in self.pieces)

    def accepted(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        return self._placed(unit, lambda piece, coordinates: piece.accepted(coordinates, generator))

    def _placed(self, unit: Tensor, place: Callable[[Part, Tensor], Tensor]) -> Tensor:
        which, unit = pick(unit, [piece.measure for piece in self.pieces])
        points = unit.new_empty(*unit.shape[:-1], len(self.bounds))
        for number, piece in enumerate(self.pieces):
            chosen = which == number
            if chosen.any():
                points[chosen] = place(piece, unit[chosen][:, : piece.coordinates])
        return points

    def normals(self, x: Tensor) -> Tensor:
        """Those of the piece that a point is nearest to; on a corner, of the first of them."""
        slack = ROUNDING * max(upper - lower for lower, upper in self.bounds)
        normals = torch.zeros_like(x)
        nearest = torch.full(x.shape[:-1], torch.inf, dtype=x.dtype, device=x.device)
        for piece in self.pieces:
            distance = piece.distance(x)
            closer = distance < nearest - slack
            normals = torch.where(closer[..., None], piece.normals(x), normals)
            nearest = torch.where(closer, distance, nearest)
        return normals

    def distance(self, x: Tensor) -> Tensor:
        return torch.stack([piece.distance(x) for piece in self.pieces]).amin(dim=0)


def pick(unit: Tensor, sizes: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Chooses by the first coordinate, in proportion to sizes: (..., m) -> which (...), unit (..., m).

    The first coordinate is used again, stretched from the share that was chosen to [0, 1).
    """
    share = torch.tensor(sizes, dtype=torch.float64)
    ends = (share / share.sum()).cumsum(0)
    first = unit[..., 0].contiguous()
    which = torch.searchsorted(ends, first.double(), right=True).clamp_max(len(sizes) - 1)
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    again = ((first - starts[which]) / (ends - starts)[which]).clamp(0.0, 1.0).to(unit)
    return which, torch.cat([again[..., None], unit[..., 1:]], dim=-1)


def off_bounds(x: Tensor, bounds: Sequence[tuple[float, float]]) -> Tensor:
    """How far points x (..., d) lie outside of a bounding box, (...): the largest excess of an axis."""
    lower = torch.tensor([a for a, _ in bounds], dtype=x.dtype, device=x.device)
    upper = torch.tensor([b for _, b in bounds], dtype=x.dtype, device=x.device)
    return torch.maximum(lower - x, x - upper).amax(dim=-1).clamp_min(0.0)


def no_normal(time: float) -> ConfigurationError:
    """What is said where a normal is asked for at an instant."""
    return ConfigurationError(
        f"a condition on ∂u/∂n is not allowed at the instant t = {time:g}: time has no outward normal; "
        "`InitialVelocity` prescribes ∂u/∂t there."
    )
