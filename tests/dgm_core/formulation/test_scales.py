"""Any unit will do: domains, checks and hard conditions are the same from nanometres to gigametres."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import (
    Annulus,
    Axis,
    Ball,
    Box,
    Difference,
    Dirichlet,
    Domain,
    InitialValueProblem,
    InTime,
    Polygon,
    Problem,
    Union,
)
from dgm_core.formulation.cutting import window_of
from dgm_core.formulation.scales import scales_of
from dgm_core.random_streams import stream
from dgm_core.training.evaluation import Evaluation
from dgm_core.training.samplers import uniform
from dgm_core.training.solution import Solution

torch.set_num_threads(1)

SCALES = (1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e9)
VALUES = (1e-9, 1.0, 1e9)

SHAPES: dict[str, Domain] = {
    "interval": Box(x=(0.0, 2.0)),
    "bar in time": Box(x=(0.0, 2.0), t=(0.0, 3.0)),
    "square": Box(x=(-1.0, 1.0), y=(0.0, 1.0)),
    "disc": Ball(),
    "ball": Ball((1.0, 0.0, 0.0), 2.0, ("x", "y", "z")),
    "ring": Annulus(),
    "shell in twenty dimensions": Annulus((0.0,) * 20, 0.5, 1.0, tuple(f"x{i}" for i in range(20))),
    "l-shape": Polygon(((-1.0, -1.0), (1.0, -1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (-1.0, 1.0))),
    "two discs": Union(Ball(), Ball((1.0, 0.0))),
    "square with a hole": Difference(Box(x=(-1.0, 1.0), y=(-1.0, 1.0)), Ball(radius=0.5)),
    "disc in time": InTime(Ball(), (0.0, 2.0)),
}
every_shape = pytest.mark.parametrize("name", SHAPES)


def scaled(domain: Domain, length: float, time: float) -> Domain:
    """The same shape in other units of length and time."""
    match domain:
        case Box():
            units = [time if axis.name == "t" else length for axis in domain.axes]
            pairs = zip(domain.axes, units, strict=True)
            return Box.of([Axis(a.name, a.lower * unit, a.upper * unit) for a, unit in pairs])
        case Ball():
            return Ball(tuple(c * length for c in domain.centre), domain.radius * length, domain.names)
        case Annulus():
            centre = tuple(c * length for c in domain.centre)
            return Annulus(centre, domain.inner * length, domain.outer * length, domain.names)
        case Polygon():
            return Polygon(tuple((x * length, y * length) for x, y in domain.vertices))
        case InTime():
            return InTime(scaled(domain.space, length, time), (domain.t[0] * time, domain.t[1] * time))
        case Union() | Difference():
            return type(domain)(scaled(domain.first, length, time), scaled(domain.second, length, time))
    raise AssertionError(domain)


@every_shape
@pytest.mark.parametrize("length", SCALES)
def test_a_domain_is_the_same_in_any_unit(name: str, length: float) -> None:
    time = 1.0 / length
    domain = scaled(SHAPES[name], length, time)
    units = torch.tensor([time if axis.name == "t" else length for axis in domain.axes], dtype=torch.float64)
    for region, ours in ((domain.interior, SHAPES[name].interior), (domain.boundary, SHAPES[name].boundary)):
        x = region.draw(uniform, 1, 200, stream(0, "unit"))[0]
        expected = ours.draw(uniform, 1, 200, stream(0, "unit"))[0]
        torch.testing.assert_close(x / units, expected, rtol=1e-9, atol=1e-9)
        if length == 1.0 or "hole" not in name:  # what lies on a cut may fall on either side by rounding
            assert torch.equal(domain.contains(x), SHAPES[name].contains(expected))
    normals = domain.boundary.normals(x)
    torch.testing.assert_close(normals, SHAPES[name].boundary.normals(expected), rtol=1e-6, atol=1e-6)


class Quadratic(Problem):
    """Δu − ∂u/∂t = f with a quadratic solution on any domain; `wrong` is a relative error of its forcing."""

    shape: Any
    size: float = 1.0
    wrong: float = 0.0

    @property
    def domain(self) -> Domain:
        return self.shape

    @property
    def lengths(self) -> dict[str, float]:
        return {axis.name: axis.upper - axis.lower for axis in self.domain.axes}

    def equation(self, y: Any) -> Tensor:
        space = [length for name, length in self.lengths.items() if name != "t"]
        forcing = self.size * sum(2.0 / length**2 for length in space)
        residual = y.laplacian() - forcing * (1.0 + self.wrong)
        if "t" in self.lengths:
            rate = self.size / self.lengths["t"]
            residual = residual / forcing + (y.d("t") - rate * (1.0 + self.wrong)) / rate
        return residual

    @property
    def conditions(self) -> Any:
        return {"edge": (self.domain.boundary, Dirichlet(self.values))}

    def values(self, x: Tensor) -> Tensor:
        total = 0.3 + torch.zeros_like(x[..., :1])
        for i, (name, length) in enumerate(self.lengths.items()):
            own = x[..., i : i + 1] / length
            total = total + (own if name == "t" else own**2)
        return self.size * total


class Exact(Quadratic):
    def reference(self, x: Tensor) -> Tensor:
        return self.values(x)


class Numerical(Quadratic):
    reference_tolerance = 1e-6

    def solve(self, refinement: int) -> Any:
        return lambda x: self.values(x.detach())


@every_shape
@pytest.mark.parametrize("length", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("kind", [Exact, Numerical])
def test_a_right_reference_is_accepted_and_a_wrong_one_refused(name: str, length: float, kind: Any) -> None:
    domain = scaled(SHAPES[name], length, 1e3 / length)
    for size in VALUES:
        kind(shape=domain, size=size)
        with pytest.raises(ConfigurationError, match="does not satisfy its term 'interior'"):
            kind(shape=domain, size=size, wrong=1e-9 if kind is Exact else 2.0)


@pytest.mark.parametrize("length", SCALES)
def test_steep_references_are_judged_by_their_own_derivatives(length: float) -> None:
    """Rounding of a solution with many waves grows with their wavenumber; so does what is allowed."""

    class Waves(Problem):
        count: int = 60
        error: float = 0.0
        domain = Box(x=(0.0, length))

        def equation(self, y: Any) -> Tensor:
            k = self.count * math.pi / length
            return y.d("x", "x") + k**2 * (1.0 + self.error) * y.value

        @property
        def conditions(self) -> Any:
            return {"ends": (self.domain.boundary, Dirichlet())}

        def reference(self, x: Tensor) -> Tensor:
            return torch.sin(self.count * math.pi * x / length)

    Waves()
    with pytest.raises(ConfigurationError, match="'interior'"):
        Waves(error=1e-9)


@pytest.mark.parametrize("length", SCALES)
def test_polygons_far_from_the_origin_have_their_area(length: float) -> None:
    far = 1e6 * length
    corners = ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0))
    domain = Polygon(tuple((far + x * length, far + y * length) for x, y in corners))
    assert domain.measure == pytest.approx(2.0 * length**2, rel=1e-8)


@pytest.mark.parametrize("length", SCALES)
def test_a_polygon_without_an_area_is_refused_in_any_unit(length: float) -> None:
    with pytest.raises(ConfigurationError, match="no area"):
        Polygon(((0.0, 0.0), (length, length), (2.0 * length, 2.0 * length)))


class Decay(InitialValueProblem):
    span: float = 1.0
    start: float = 0.0

    @property
    def domain(self) -> Box:
        return Box(t=(self.start, self.start + self.span))

    def initial_state(self, like: Tensor) -> Tensor:
        return like.new_ones(1, 1, 1)

    def equation(self, y: Any) -> Tensor:
        return self.span * y.d("t") + y.value


@pytest.mark.parametrize("span", SCALES)
def test_hard_initial_values_are_the_same_in_any_unit_of_time(span: float) -> None:
    s = torch.linspace(0.0, 1.0, 7, dtype=torch.float64)[None, :, None]
    raw = torch.cos(3.0 * s)
    expected = Decay().constrain(s, raw)
    torch.testing.assert_close(Decay(span=span).constrain(s * span, raw), expected)
    # A window is measured by its own length.
    window = window_of(Decay(span=10.0 * span), 2.0 * span, 3.0 * span, torch.ones(1, 1))
    torch.testing.assert_close(window.constrain((2.0 + s) * span, raw), expected, rtol=1e-6, atol=1e-6)


class Plate(Problem):
    """A cooling plate; lengths, times and temperatures in units of the user's."""

    length: float = 1.0
    time: float = 1.0
    kelvin: float = 1.0
    known: bool = True

    @property
    def domain(self) -> Box:
        return Box(x=(0.0, self.length), y=(0.0, self.length), t=(0.0, self.time))

    def equation(self, y: Any) -> Tensor:
        return 4e6 * (y.d("t") * self.time - 0.05 * self.length**2 * y.laplacian())

    @property
    def conditions(self) -> Any:
        known = Dirichlet(self.exact)
        return {"start": (self.domain.initial, known), "edge": (self.domain.boundary, known)}

    def exact(self, x: Tensor) -> Tensor:
        place, time = x[..., :2] / self.length, x[..., 2:] / self.time
        wave = torch.sin(math.pi * place).prod(dim=-1, keepdim=True)
        return self.kelvin * (300.0 + 700.0 * wave * torch.exp(-0.1 * math.pi**2 * time))


class KnownPlate(Plate):
    def reference(self, x: Tensor) -> Tensor:
        return self.exact(x)


@pytest.mark.parametrize("kind", [Plate, KnownPlate])
def test_scales_follow_the_units(kind: Any) -> None:
    plain = scales_of(kind())
    assert plain.centres == pytest.approx((650.0,), rel=0.01)
    assert plain.sizes == pytest.approx((350.0,), rel=0.01)
    assert plain.terms["interior"][0] > 1e7  # as the equation is written
    other = scales_of(kind(length=1e-6, time=1e7, kelvin=1e-3))
    assert other.sizes == pytest.approx([1e-3 * size for size in plain.sizes])
    for term, sizes in plain.terms.items():
        assert other.terms[term] == pytest.approx([1e-3 * size for size in sizes], rel=1e-6), term


def test_outputs_have_scales_of_their_own() -> None:
    class Kinetics(InitialValueProblem):
        outputs = ("a", "b", "c")
        domain = Box(t=(0.0, 40.0))
        scales: ClassVar[Any] = {"c": (0.0, 5.0), "interior": 7.0}

        def initial_state(self, like: Tensor) -> Tensor:
            return like.new_tensor([[[1000.0, 0.0, 0.0]]])

        def equation(self, y: Any) -> Tensor:
            rate = 1e-3 * y.d(output=0)
            signs = ((0, 1.0), (1, -1.0), (2, 0.0))
            return torch.cat([y.d("t", output=i) + sign * rate for i, sign in signs], dim=-1)

    scales = scales_of(Kinetics())
    assert scales.centres == (1000.0, 0.0, 2.5)
    assert 10.0 <= scales.sizes[0] <= 1000.0  # it loses 4 % in this time
    assert 10.0 <= scales.sizes[1] <= 1000.0
    assert scales.sizes[2] == 2.5
    assert scales.terms["interior"] == (7.0, 7.0, 7.0)


@pytest.mark.parametrize(
    ("scales", "message"), [({"v": 1.0}, "unknown name in scales"), ({"u": 0.0}, "must be a number above 0")]
)
def test_scales_that_are_none_are_refused(scales: Any, message: str) -> None:
    class Wrong(Plate):
        pass

    Wrong.scales = scales
    with pytest.raises(ConfigurationError, match=message):
        Wrong()


def test_without_a_reference_a_nearly_right_field_beats_a_constant() -> None:
    """In kelvins per second the ripple of 1 K weighed more than all that the constant gets wrong."""
    problem = Plate(length=0.04, time=1.0)
    evaluation = Evaluation(problem)

    class Fixed(torch.nn.Module):
        seeds = (0,)

        def __init__(self, field: Any) -> None:
            super().__init__()
            self.field = field

        def forward(self, x: Tensor) -> Tensor:
            return self.field(x)

        def piece(self, window: int) -> Any:
            return SimpleNamespace(constants=None)

    def score(field: Any) -> float:
        return evaluation.measure(cast(Solution, Fixed(field))).score[0]

    rippled = score(lambda x: problem.exact(x) + torch.sin(200.0 * x[..., :1]))
    constant = score(lambda x: torch.full_like(x[..., :1], 300.0))
    assert score(problem.exact) < 1e-6
    assert rippled < 0.02
    assert constant > 0.5
