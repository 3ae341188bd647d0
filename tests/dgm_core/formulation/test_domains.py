"""What every domain promises, whatever its shape."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core.calculus import derivatives
from dgm_core.errors import ConfigurationError
from dgm_core.formulation import (
    Annulus,
    Axis,
    Ball,
    Box,
    Difference,
    Domain,
    Parameter,
    Polygon,
    Union,
)
from dgm_core.formulation.domains import InTime, Product
from dgm_core.formulation.domains.base import Pieces
from dgm_core.formulation.domains.nearest import NearestEdge
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.random_streams import stream
from dgm_core.training.samplers import SAMPLERS, uniform

torch.set_num_threads(1)

L_SHAPE = Polygon(((-1.0, -1.0), (1.0, -1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (-1.0, 1.0)))
DOMAINS: dict[str, tuple[Domain, float, float]] = {  # domain, measure, size of its boundary in space
    "interval": (Box(x=(0.0, 2.0)), 2.0, 2.0),
    "rectangle": (Box(x=(0.0, 2.0), y=(-1.0, 2.0)), 6.0, 10.0),
    "cube": (Box.of([Axis(f"x{i}", 0.0, 1.0) for i in range(5)]), 1.0, 10.0),
    "bar in time": (Box(x=(0.0, 2.0), t=(0.0, 3.0)), 6.0, 6.0),
    "disc": (Ball(), math.pi, 2 * math.pi),
    "ball": (Ball((1.0, 0.0, 0.0), 2.0, ("x", "y", "z")), 32 * math.pi / 3, 16 * math.pi),
    "ring": (Annulus(), 0.75 * math.pi, 3 * math.pi),
    "l-shape": (L_SHAPE, 3.0, 8.0),
    "l-shape clockwise": (Polygon(L_SHAPE.vertices[::-1]), 3.0, 8.0),
    "triangle": (Polygon(((0.0, 0.0), (2.0, 0.0), (0.0, 1.0))), 1.0, 3.0 + math.sqrt(5.0)),
    "two discs": (
        Union(Ball(), Ball((1.0, 0.0))),
        2 * math.pi - (2 * math.pi / 3 - math.sqrt(3) / 2),
        8 * math.pi / 3,
    ),
    "square with a hole": (
        Difference(Box(x=(-1.0, 1.0), y=(-1.0, 1.0)), Ball(radius=0.5)),
        4 - math.pi / 4,
        8 + math.pi,
    ),
    "cylinder": (Product(Ball(), Box(z=(0.0, 2.0))), 2 * math.pi, 6 * math.pi),
    "prism": (
        Product(Box(z=(1.0, 3.0)), Polygon(((0.0, 0.0), (2.0, 0.0), (0.0, 1.0)))),
        2.0,
        2.0 + 2.0 * (3.0 + math.sqrt(5.0)),
    ),
    "pierced plate": (
        Product(Difference(Box(x=(-1.0, 1.0), y=(-1.0, 1.0)), Ball(radius=0.5)), Box(z=(0.0, 1.0))),
        4 - math.pi / 4,
        8 + math.pi + 2 * (4 - math.pi / 4),
    ),
    "cylinder in time": (InTime(Product(Ball(), Box(z=(0.0, 1.0))), (0.0, 2.0)), 2 * math.pi, 8 * math.pi),
    "disc in time": (InTime(Ball(), (0.0, 2.0)), 2 * math.pi, 4 * math.pi),
    "pierced square in time": (
        InTime(Difference(Box(x=(-1.0, 1.0), y=(-1.0, 1.0)), Ball(radius=0.5)), (0.0, 1.0)),
        4 - math.pi / 4,
        8 + math.pi,
    ),
}
every_domain = pytest.mark.parametrize("name", DOMAINS)


def inside(domain: Domain, n: int = 20_000) -> torch.Tensor:
    return domain.interior.draw(uniform, 1, n, stream(0, "inside"))[0]


@every_domain
def test_points_lie_inside_and_all_over(name: str) -> None:
    domain = DOMAINS[name][0]
    x = inside(domain)
    assert x.shape == (20_000, len(domain.axes))
    assert x.dtype == torch.float64
    assert domain.contains(x).all()
    for axis, own in zip(domain.axes, x.T, strict=True):
        length = axis.upper - axis.lower
        assert own.min() < axis.lower + 0.05 * length
        assert own.max() > axis.upper - 0.05 * length


@every_domain
def test_points_are_uniform(name: str) -> None:
    """Means agree with those of the bounding box's points that the domain contains."""
    domain = DOMAINS[name][0]
    lower = torch.tensor([axis.lower for axis in domain.axes], dtype=torch.float64)
    upper = torch.tensor([axis.upper for axis in domain.axes], dtype=torch.float64)
    unit = torch.rand(100_000, len(lower), dtype=torch.float64, generator=stream(1, "box"))
    other = lower + (upper - lower) * unit
    other = other[domain.contains(other)]
    x, scale = inside(domain), upper - lower
    for power in (1, 2):
        ours, theirs = (((p - lower) / scale) ** power for p in (x, other))
        torch.testing.assert_close(ours.mean(0), theirs.mean(0), rtol=0, atol=0.012)


@every_domain
def test_sizes_are_those_of_geometry(name: str) -> None:
    domain, measure, boundary = DOMAINS[name]
    assert domain.measure == pytest.approx(measure, rel=2e-3)
    assert sum(part.measure for part in domain.parts.values()) == pytest.approx(boundary, rel=2e-3)
    assert domain.boundary.measure == pytest.approx(boundary, rel=2e-3)


@every_domain
def test_normals_point_out(name: str) -> None:
    domain = DOMAINS[name][0]
    for part_name, part in {**domain.parts, "boundary": domain.boundary}.items():
        x = part.draw(uniform, 1, 500, stream(2, part_name))[0]
        normals = part.normals(x)
        torch.testing.assert_close(normals.norm(dim=-1), torch.ones(500, dtype=torch.float64))
        # A few points are so near a corner that the step leaves by another side.
        assert domain.contains(x - 1e-4 * normals).double().mean() > 0.99, part_name
        assert (~domain.contains(x + 1e-4 * normals)).double().mean() > 0.99, part_name


@every_domain
def test_the_flux_of_the_position_is_the_content(name: str) -> None:
    """Gauss: the mean of x · n over the boundary, times its size, is d times the content (in space)."""
    domain = DOMAINS[name][0]
    space = [i for i, axis in enumerate(domain.axes) if axis.name != "t"]
    part = domain.boundary
    x = part.draw(uniform, 1, 40_000, stream(3, "gauss"))[0]
    flow = (x * part.normals(x))[:, space].sum(dim=-1).mean().item() * part.measure
    assert flow == pytest.approx(len(space) * domain.measure, rel=0.03)


@every_domain
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_how_many_batches_are_drawn_at_once_is_no_part_of_a_sample(name: str, sampler: str) -> None:
    domain, draw = DOMAINS[name][0], SAMPLERS[sampler]
    for region in (domain.interior, domain.boundary):
        generator = stream(4, "batches")
        apart = torch.cat([region.draw(draw, 1, 7, generator), region.draw(draw, 2, 7, generator)])
        assert torch.equal(apart, region.draw(draw, 3, 7, stream(4, "batches")))


@every_domain
def test_equal_domains_are_one_key(name: str) -> None:
    domain = DOMAINS[name][0]
    assert {domain: 1}[eval(repr(domain)) if name == "rectangle" else domain] == 1


def test_a_face_of_a_box_is_where_it_says() -> None:
    box = Box(x=(0.0, 2.0), t=(0.0, 3.0))
    assert box.at(x=0.0).bounds == ((0.0, 0.0), (0.0, 3.0))
    assert box.initial.bounds == ((0.0, 2.0), (0.0, 0.0))
    assert set(box.parts) == {"x_min", "x_max"}
    x = torch.zeros(1, 2, dtype=torch.float64)
    assert box.at(x=0.0).normals(x).tolist() == [[-1.0, 0.0]]
    assert box.at(x=2.0).normals(x).tolist() == [[1.0, 0.0]]
    assert box.at(x=1.0).normals(x).tolist() == [[1.0, 0.0]]  # a slice: along the axis


def test_hundreds_of_axes_are_no_trouble() -> None:
    box = Box.of([Axis(f"x{i}", 0.0, 1.0) for i in range(300)])
    x = box.boundary.draw(uniform, 1, 600, stream(0, "many"))[0]
    on = ((x == 0.0) | (x == 1.0)).sum(dim=-1)
    assert (on == 1).all()
    axes = ((x == 0.0) | (x == 1.0)).long().argmax(dim=-1)
    assert len(set(axes.tolist())) > 200


def test_the_bubble_vanishes_on_the_boundary_alone() -> None:
    box = Box(x=(0.0, 2.0), y=(-1.0, 1.0))
    x = box.boundary.draw(uniform, 1, 50, stream(0, "bubble"))[0]
    assert box.bubble(x).abs().max() < 1e-15
    assert (box.bubble(inside(box)) > 0).all()
    assert box.bubble(torch.tensor([[1.0, 0.0]])).item() == 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Box(), "one or more"),
        (lambda: Box(x=(1.0, 0.0)), r"x = \(1, 0\) is not allowed"),
        (lambda: Box(t=(0.0, 1.0), x=(0.0, 1.0)), "t must be the last"),
        (lambda: Box(x=(0.0, 1.0)).at(y=0.0), "unknown axis 'y'"),
        (lambda: Box(x=(0.0, 1.0)).at(x=2.0), r"x = 2 is not allowed: it must lie in \[0, 1\]"),
        (lambda: Box(x=(0.0, 1.0)).initial, "has no initial time: none of its axes is called 't'"),
        (lambda: Box(x=(0.0, 1.0), y=(0.0, 1.0)).at(x=0.0, y=0.0).normals(torch.zeros(1, 2)), "no normal"),
        (lambda: Ball(radius=0.0), "above 0"),
        (lambda: Ball((0.0,)), "a coordinate for each axis"),
        (lambda: Annulus(inner=1.0, outer=0.5), "0 < inner < outer"),
        (lambda: Polygon(((0.0, 0.0), (1.0, 1.0))), "three or more"),
        (lambda: Polygon(((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0))), "cross"),
        (lambda: Polygon(((0.0, 0.0), (1.0, 1.0), (2.0, 2.0))), "no area"),
        (lambda: Union(Ball(), Box(x=(0.0, 1.0))), "cannot be combined"),
        (lambda: InTime(Box(x=(0.0, 1.0), t=(0.0, 1.0)), (0.0, 1.0)), "one time"),
    ],
)
def test_what_is_no_domain_is_refused(make, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_an_empty_difference_ends_in_a_sentence() -> None:
    nothing = Difference(Ball(radius=0.5), Ball(radius=1.0))
    with pytest.raises(ConfigurationError, match="empty, or nearly"):
        nothing.interior.draw(uniform, 1, 5, stream(0, "nothing"))


def test_edges_on_one_line_do_not_cross() -> None:
    """The shoulders of a T; but a slot that folds back onto an edge does."""
    corners = ((0, 0), (3, 0), (3, 1), (2, 1), (2, 2), (1, 2), (1, 1), (0, 1))
    assert Polygon(corners).measure == 4.0
    with pytest.raises(ConfigurationError, match="no edges that cross"):
        Polygon(((0, 0), (3, 0), (3, 1), (1, 0), (2, 0), (0, 1)))


def test_an_outline_may_end_where_it_began() -> None:
    assert Polygon((*L_SHAPE.vertices, L_SHAPE.vertices[0])) == L_SHAPE


def test_edges_are_joined_to_a_wall() -> None:
    wall = L_SHAPE.joined("edge_1", "edge_6")
    x = wall.draw(uniform, 1, 500, stream(0, "wall"))[0]
    assert ((x[:, 0] == -1.0) | (x[:, 1] == -1.0)).all()
    assert wall.measure == 4.0
    assert set(map(tuple, wall.normals(x).tolist())) == {(-1.0, 0.0), (0.0, -1.0)}
    square = Box(x=(0.0, 1.0), y=(0.0, 1.0))
    assert square.joined("x_min", "y_max").measure == 2.0
    with pytest.raises(ConfigurationError, match="unknown part 'edge_9'"):
        L_SHAPE.joined("edge_9")


@pytest.mark.parametrize("count", [5, 13, 600])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_normals_of_many_edges_are_those_of_each(count: int, dtype: torch.dtype) -> None:
    """A jagged star with a narrow slot: a grid finds the edges that a comparison with all of them finds."""
    angles = torch.arange(count, dtype=torch.float64) * (2.0 * math.pi / count)
    radii = 1.0 + 0.2 * torch.cos(7.0 * angles) * (torch.arange(count) % 2)
    star = torch.stack([radii * angles.cos(), radii * angles.sin()], dim=-1).tolist()
    slot = [(1.0, -1e-4), (0.1, -1e-4), (0.1, 1e-4)]
    outline = Polygon((*map(tuple, star), *slot) if count > 5 else tuple(map(tuple, star)))
    edges = outline.boundary
    x = edges.draw(uniform, 1, 400, stream(0, "edges"))[0].to(dtype)
    torch.testing.assert_close(edges.normals(x), Pieces(tuple(outline.parts.values())).normals(x))
    assert edges.distance(x).max() < 1e-6


def test_a_point_is_compared_with_a_few_of_many_edges() -> None:
    angles = [2.0 * math.pi * i / 600 for i in range(600)]
    ends = torch.tensor([[math.cos(angle), math.sin(angle)] for angle in angles], dtype=torch.float64)
    assert NearestEdge(torch.stack([ends, ends.roll(-1, 0)]), 1e-9).compared < 20


def test_a_parameter_is_no_axis_of_space():
    """No ends on the boundary, no part in a Laplacian, and after the axes of space."""
    box = Box(x=(0.0, 1.0), y=(0.0, 2.0), k=Parameter(1.0, 3.0), t=(0.0, 1.0))
    assert list(box.parts) == ["x_min", "x_max", "y_min", "y_max"]
    x = sobol_points(box.boundary, 64)
    on_an_end = (x[:, 0] % 1.0 == 0.0) | (x[:, 1] % 2.0 == 0.0)
    assert on_an_end.all()
    assert x[:, 2].min() < 1.2
    assert x[:, 2].max() > 2.8
    assert not box.boundary.normals(x)[:, 2:].any()
    found = derivatives(lambda z: (z * z).sum(dim=-1, keepdim=True), x[None], ("x", "y", "k", "t"))
    found.domain = box
    assert torch.equal(found.laplacian(), torch.full((1, 64, 1), 4.0, dtype=torch.float64))
    with pytest.raises(ConfigurationError, match="after the axes of space"):
        Box(k=Parameter(1.0, 3.0), x=(0.0, 1.0))
