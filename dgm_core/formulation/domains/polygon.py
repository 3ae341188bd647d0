"""Polygons in the plane."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains.base import ROUNDING, Domain, Part, Pieces, pick
from dgm_core.formulation.domains.corners import Corner, reentrant
from dgm_core.formulation.domains.nearest import NearestEdge
from dgm_core.formulation.regions import Axis, Region

Point = tuple[float, float]
Triangle = tuple[Point, Point, Point]


@dataclass(frozen=True)
class Triangles(Region):
    """A region cut into triangles, each drawn from in proportion to its area."""

    triangles: tuple[Triangle, ...]

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        columns = zip(*(corner for triangle in self.triangles for corner in triangle), strict=True)
        return tuple((min(column), max(column)) for column in columns)

    @property
    def coordinates(self) -> int:
        return 2

    def place(self, unit: Tensor) -> Tensor:
        which, unit = pick(unit, [abs(_cross(*triangle)) for triangle in self.triangles])
        a, b, c = torch.tensor(self.triangles, dtype=unit.dtype)[which].unbind(dim=-2)
        # The square root makes equal areas of equal shares (Turk 1990, Graphics Gems).
        root, second = unit[..., :1].sqrt(), unit[..., 1:]
        return a + root * (1.0 - second) * (b - a) + root * second * (c - a)


@dataclass(frozen=True)
class Edge(Part):
    """A straight edge from one vertex to the next, the inside on its left."""

    start: Point
    end: Point

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((min(a, b), max(a, b)) for a, b in zip(self.start, self.end, strict=True))

    @property
    def coordinates(self) -> int:
        return 1

    @property
    def measure(self) -> float:
        return math.dist(self.start, self.end)

    def place(self, unit: Tensor) -> Tensor:
        start, end = unit.new_tensor(self.start), unit.new_tensor(self.end)
        return start + unit * (end - start)

    def distance(self, x: Tensor) -> Tensor:
        start, end = x.new_tensor(self.start), x.new_tensor(self.end)
        along = ((x - start) @ (end - start) / self.measure**2).clamp(0.0, 1.0)
        return (x - start - along[..., None] * (end - start)).norm(dim=-1)

    def normals(self, x: Tensor) -> Tensor:
        (a, b), (c, d) = self.start, self.end
        return (x.new_tensor([d - b, a - c]) / self.measure).expand_as(x)


@dataclass(frozen=True)
class Edges(Pieces):
    """Several edges as one part, looked at together: as cheap for hundreds as for one."""

    pieces: tuple[Edge, ...]

    def place(self, unit: Tensor) -> Tensor:
        which, unit = pick(unit, [edge.measure for edge in self.pieces])
        starts, ends = self._ends.to(unit)
        return starts[which] + unit[..., :1] * (ends - starts)[which]

    def normals(self, x: Tensor) -> Tensor:
        """Those of the edge that a point is nearest to; on a corner, of the first of them."""
        starts, ends = self._ends.to(x)
        along = ends - starts
        out = torch.stack([along[:, 1], -along[:, 0]], dim=-1) / along.norm(dim=-1, keepdim=True)
        return out[self._nearest(x)]

    def distance(self, x: Tensor) -> Tensor:
        return self._nearest.distances(x).amin(dim=-1)

    @cached_property
    def _ends(self) -> Tensor:
        """Starts and ends (2, m, 2), float64."""
        pairs = [[edge.start for edge in self.pieces], [edge.end for edge in self.pieces]]
        return torch.tensor(pairs, dtype=torch.float64)

    @cached_property
    def _nearest(self) -> NearestEdge:
        return _nearest_of(self)


@lru_cache(maxsize=64)
def _nearest_of(edges: Edges) -> NearestEdge:
    """Made once: a problem makes its conditions again for every step."""
    return NearestEdge(edges._ends, ROUNDING * max(upper - lower for lower, upper in edges.bounds))


@dataclass(frozen=True)
class Polygon(Domain):
    """A simple polygon, convex or not, by its vertices in either orientation.

    Parts are "edge_1", from the first vertex to the second, and so on; an outline may end where it began, and
    `joined` makes a wall of several edges.  Raises ConfigurationError where edges
    cross or the polygon has no area.
    """

    vertices: tuple[Point, ...]
    names: tuple[str, str] = ("x", "y")

    def __post_init__(self) -> None:
        vertices = tuple((float(x), float(y)) for x, y in self.vertices)
        if len(vertices) > 3 and vertices[0] == vertices[-1]:
            vertices = vertices[:-1]
        object.__setattr__(self, "vertices", vertices)
        if len(vertices) < 3 or _crosses(vertices):
            raise ConfigurationError(
                f"a polygon of the vertices {list(vertices)} is not allowed: "
                "three or more, and no edges that cross."
            )
        if abs(_area(vertices)) < ROUNDING * _extent(vertices) ** 2:
            raise ConfigurationError(
                f"a polygon of the vertices {list(vertices)} is not allowed: it has no area."
            )

    @property
    def axes(self) -> tuple[Axis, ...]:
        columns = zip(self.names, zip(*self.vertices, strict=True), strict=True)
        return tuple(Axis(name, min(column), max(column)) for name, column in columns)

    @property
    def corners(self) -> tuple[Corner, ...]:
        return reentrant(self._turned)

    @property
    def interior(self) -> Region:
        return Triangles(_triangulated(self._turned))

    @property
    def parts(self) -> Mapping[str, Edge]:
        turned = _area(self.vertices) < 0
        pairs = zip(self.vertices, self.vertices[1:] + self.vertices[:1], strict=True)
        return {f"edge_{i}": Edge(b, a) if turned else Edge(a, b) for i, (a, b) in enumerate(pairs, start=1)}

    @property
    def boundary(self) -> Part:
        return Edges(tuple(self.parts.values()))

    def joined(self, *names: str) -> Part:
        self._known(names)
        return Edges(tuple(self.parts[name] for name in names))

    @property
    def measure(self) -> float:
        return abs(_area(self.vertices))

    def contains(self, x: Tensor) -> Tensor:
        """In one of the triangles, to rounding."""
        inside = torch.zeros(x.shape[:-1], dtype=torch.bool, device=x.device)
        slack = ROUNDING * self.measure
        for triangle in _triangulated(self._turned):
            a, b, c = (x.new_tensor(corner) for corner in triangle)
            sides = ((a, b), (b, c), (c, a))
            crosses = [(q - p)[0] * (x - p)[..., 1] - (q - p)[1] * (x - p)[..., 0] for p, q in sides]
            inside |= torch.stack(crosses).amin(dim=0) >= -slack
        return inside

    @property
    def _turned(self) -> tuple[Point, ...]:
        """The vertices counter-clockwise."""
        return self.vertices if _area(self.vertices) > 0 else self.vertices[::-1]


@lru_cache(maxsize=64)
def _triangulated(vertices: tuple[Point, ...]) -> tuple[Triangle, ...]:
    """Triangles of a simple polygon, counter-clockwise, by cutting off ears (Meisters 1975)."""
    left = list(vertices)
    triangles: list[Triangle] = []
    while len(left) > 3:
        for i in range(len(left)):
            triangle = (left[i - 1], left[i], left[(i + 1) % len(left)])
            others = [p for p in left if p not in triangle]
            if _cross(*triangle) > 0 and not any(_in_triangle(p, triangle) for p in others):
                triangles.append(triangle)
                del left[i]
                break
        else:  # what is left lies on lines
            left = [p for i, p in enumerate(left) if _cross(left[i - 1], p, left[(i + 1) % len(left)]) != 0]
            if len(left) < 3:
                return tuple(triangles)
    return (*triangles, (left[0], left[1], left[2]))


def _cross(a: Point, b: Point, c: Point) -> float:
    """Twice the signed area of a triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _in_triangle(p: Point, triangle: Triangle) -> bool:
    a, b, c = triangle
    return min(_cross(a, b, p), _cross(b, c, p), _cross(c, a, p)) >= 0


def _area(vertices: tuple[Point, ...]) -> float:
    """Positive for counter-clockwise vertices; seen from the first of them, however far the origin is."""
    first = vertices[0]
    return 0.5 * sum(_cross(first, a, b) for a, b in pairwise(vertices))


def _extent(vertices: tuple[Point, ...]) -> float:
    """The longer side of the bounding box."""
    return max(max(column) - min(column) for column in zip(*vertices, strict=True))


def _crosses(vertices: tuple[Point, ...]) -> bool:
    """Whether two edges that are not neighbours meet."""
    edges = list(zip(vertices, vertices[1:] + vertices[:1], strict=True))
    for i, (a, b) in enumerate(edges):
        for c, d in edges[i + 2 : len(edges) - (i == 0)]:
            # Edges on one line, as of a T, straddle each other without meeting.
            if not _overlap(a, b, c, d):
                continue
            if _cross(a, b, c) * _cross(a, b, d) <= 0 and _cross(c, d, a) * _cross(c, d, b) <= 0:
                return True
    return False


def _overlap(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the bounding boxes of two edges have a point in common."""
    return all(
        max(min(a[i], b[i]), min(c[i], d[i])) <= min(max(a[i], b[i]), max(c[i], d[i])) for i in range(2)
    )
