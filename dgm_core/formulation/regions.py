"""Where the points of a term lie, and how a mini-batch draws them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from dgm_core.calculus import TIME

Sampler = Callable[[int, int, int, torch.Generator], Tensor]
"""(batches, n, m, generator) -> (batches, n, m) in [0, 1).

Two calls for some batches each give what one call for all of them gives: how many are drawn at once is
no part of a sample.
"""


@dataclass(frozen=True)
class Axis:
    """A named input with its bounds, in the problem's units.

    parameter: whether it is none of space or time, but a parameter of a family of problems.
    """

    name: str
    lower: float
    upper: float
    parameter: bool = False

    @property
    def in_space(self) -> bool:
        """Whether it is neither time nor a parameter."""
        return not self.parameter and self.name != TIME


class Parameter(NamedTuple):
    """The bounds of an axis that is a parameter: `Box(x=(0, 1), speed=Parameter(1, 3), t=(0, 1))` is a family
    of problems, one for each speed, solved at once."""

    lower: float
    upper: float


class Region(ABC):
    """A set of points of dimension d or less in the d-dimensional space of inputs.

    `per_point` multiplies the number of points drawn, for terms that need several for each point
    of the mini-batch (the nodes of a Monte-Carlo integral).  `total` replaces that number by one
    which does not depend on the mini-batch.  `independent` points are uniform and independent
    whatever the sampler: an estimate's variance is theirs.
    """

    per_point: int = 1
    total: int | None = None
    independent: bool = False

    @property
    @abstractmethod
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The bounding box, (lower, upper) for each of the d axes; equal where an axis is fixed."""

    @property
    @abstractmethod
    def coordinates(self) -> int:
        """How many coordinates of the unit cube a point is made from; 0 where nothing is drawn."""

    @abstractmethod
    def place(self, unit: Tensor) -> Tensor:
        """Maps the unit cube, (..., coordinates), onto the region, (..., d); equal shares to equal sizes."""

    def count(self, batch_size: int) -> int:
        """How many points a mini-batch of `batch_size` draws here: one where nothing varies."""
        if self.total is not None:
            return self.total
        return batch_size * self.per_point if self.coordinates else 1

    def draw(self, sampler: Sampler, batches: int, n: int, generator: torch.Generator) -> Tensor:
        """Points (batches, n, d), float64, uniform over the region."""
        if not self.coordinates:
            return self.place(torch.zeros(batches, n, 0, dtype=torch.float64))
        if not self.rejects:
            return self.place(sampler(batches, n, self.coordinates, generator))
        units = (sampler(1, n, self.coordinates, generator) for _ in range(batches))
        return torch.cat([self.accepted(unit, generator) for unit in units])

    @property
    def rejects(self) -> bool:
        """Whether some of what `place` gives lies outside of the region: then `accepted` replaces it."""
        return False

    def accepted(self, unit: Tensor, generator: torch.Generator) -> Tensor:
        """As `place`, with points that lie outside replaced by others from the generator."""
        return self.place(unit)


@dataclass(frozen=True)
class BoxRegion(Region):
    """A box; an axis with equal bounds is fixed (a face, an instant)."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    per_point: int = 1
    total: int | None = None
    independent: bool = False

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple(zip(self.lower, self.upper, strict=True))

    @property
    def free(self) -> tuple[int, ...]:
        """Columns that vary."""
        return tuple(i for i, (a, b) in enumerate(self.bounds) if a < b)

    @property
    def coordinates(self) -> int:
        return len(self.free)

    def place(self, unit: Tensor) -> Tensor:
        points = torch.tensor(self.lower, dtype=unit.dtype).repeat(*unit.shape[:-1], 1)
        for column, i in enumerate(self.free):
            points[..., i] += (self.upper[i] - self.lower[i]) * unit[..., column]
        return points


@dataclass(frozen=True)
class FixedNodes(Region):
    """Points given once and used whole at every iteration, whatever the batch size: training data."""

    nodes: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, nodes: Tensor) -> FixedNodes:
        """The nodes (n, d)."""
        return cls(tuple(tuple(row) for row in nodes.tolist()))

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((min(column), max(column)) for column in zip(*self.nodes, strict=True))

    @property
    def coordinates(self) -> int:
        return 0

    def count(self, batch_size: int) -> int:
        """All nodes."""
        return len(self.nodes)

    def place(self, unit: Tensor) -> Tensor:
        """The nodes themselves, for unit (..., n, 0), as (..., n, d)."""
        nodes = torch.tensor(self.nodes, dtype=unit.dtype)
        return nodes.expand(*unit.shape[:-2], *nodes.shape)
