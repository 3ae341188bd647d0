"""Conditions inside the domain, on one of several outputs, and with the normals of any domain."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import (
    Annulus,
    Ball,
    Box,
    Cauchy,
    Difference,
    Dirichlet,
    Holds,
    InitialVelocity,
    InTime,
    Neumann,
    Problem,
    Robin,
    Union,
)
from dgm_core.formulation.verification import residual_sizes
from dgm_core.training.sampling import PointSource

torch.set_num_threads(1)


def sizes(problem, field):
    points = PointSource(problem.regions(), 64, [3], dtype=torch.float64).next()
    return residual_sizes(problem, field, points)


class Kinked(Problem):
    """u_xx = 0 on either side of a wall inside the square, at which the value is held."""

    wall = 0.5
    domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x")

    @property
    def conditions(self):
        return {
            "left": (self.domain.at(x=0.0), Dirichlet()),
            "inside": (self.domain.at(x=self.wall), Dirichlet(lambda x: 0.5 * torch.ones_like(x[..., :1]))),
        }

    def reference(self, x):
        return x[..., :1]


class Currents(Problem):
    """Two outputs: v = u_x, and one condition on each."""

    outputs = ("u", "v")
    flux = 1
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return torch.cat([y.d("x") - y.d(output=1), y.d("x", output=1) + y.d(output=0)], dim=-1)

    @property
    def conditions(self):
        return {
            "value": (self.domain.at(x=0.0), Dirichlet(output=0)),
            "slope": (self.domain.at(x=1.0), Neumann(lambda x: -torch.sin(x), output=self.flux)),
            "sum": (self.domain.at(x=1.0), Holds(lambda y: y.d(output=0) ** 2 + y.d(output=1) ** 2 - 1.0)),
        }

    def reference(self, x):
        return torch.cat([torch.sin(x), torch.cos(x)], dim=-1)


def test_a_condition_inside_the_domain_is_drawn_and_checked_there() -> None:
    problem = Kinked()
    points = PointSource(problem.regions(), 64, [3]).next()["inside"]
    assert (points[..., 0] == 0.5).all()
    assert points[..., 1].std() > 0.1
    assert sizes(problem, lambda x: x[..., :1] ** 2)["inside"] == pytest.approx(0.25)

    class Elsewhere(Kinked):
        wall = 0.25

    with pytest.raises(ConfigurationError, match="does not satisfy its term 'inside'"):
        Elsewhere()


def test_a_condition_is_on_its_own_output() -> None:
    found = sizes(Currents(), lambda x: torch.cat([torch.sin(x), 0.0 * x], dim=-1))
    assert found["value"] == 0.0
    assert found["slope"] == pytest.approx(math.sin(1.0))
    assert found["sum"] == pytest.approx(1.0 - math.sin(1.0) ** 2)
    assert found["interior"] > 0.5

    class Mistaken(Currents):
        flux = 0

    with pytest.raises(ConfigurationError, match="does not satisfy its term 'slope'"):
        Mistaken()


SHAPES = {
    "union": Union(Ball(), Ball((1.0, 0.0))),
    "difference": Difference(Box(x=(-1.0, 1.0), y=(-1.0, 1.0)), Ball(radius=0.5)),
    "annulus": Annulus(),
    "ball": Ball(),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_normals_of_a_problem_are_those_of_its_domain(shape: str) -> None:
    class Posed(Problem):
        """Δu = 4 with the flux of u = x² + y² through every part."""

        sign = 1.0
        domain = SHAPES[shape]

        def equation(self, y):
            return y.laplacian() - 4.0

        @property
        def conditions(self):
            def flux(part):
                return lambda x: self.sign * (2.0 * x * part.normals(x)).sum(dim=-1, keepdim=True)

            return {name: (part, Neumann(flux(part))) for name, part in self.domain.parts.items()}

        def reference(self, x):
            return x.square().sum(dim=-1, keepdim=True)

    Posed()

    class Inwards(Posed):
        sign = -1.0

    with pytest.raises(ConfigurationError, match="does not satisfy its term"):
        Inwards()


def string(start, domain=None):
    """A string with an initial velocity, said by the condition `start` of its exact solution and velocity."""

    class String(Problem):
        reference_tolerance = 1e-11

        @property
        def domain(self):
            return domain or Box(x=(0.0, 1.0), t=(0.0, 1.0))

        def equation(self, y):
            return y.d("t", "t") - y.laplacian()

        @property
        def conditions(self):
            return {"start": (self.domain.initial, start(self.velocity))}

        def velocity(self, x):
            return math.pi * torch.sin(math.pi * x[..., :1])

        def reference(self, x):
            return torch.sin(math.pi * x[..., :1]) * torch.sin(math.pi * x[..., -1:])

    return String()


def test_an_initial_velocity_is_the_rate_of_change_itself():
    string(InitialVelocity)
    with pytest.raises(ConfigurationError, match="does not satisfy its term 'start'"):
        string(lambda velocity: InitialVelocity(lambda x: -velocity(x)))


@pytest.mark.parametrize("domain", [None, InTime(Ball(), (0.0, 1.0))])
@pytest.mark.parametrize(
    "start",
    [
        lambda velocity: Neumann(velocity),
        lambda velocity: Robin(1.0, velocity),
        lambda velocity: Cauchy(flux=velocity),
    ],
)
def test_an_instant_has_no_normal(start, domain):
    with pytest.raises(ConfigurationError, match=r"instant t = 0: .*`InitialVelocity` prescribes"):
        string(start, domain)


def test_an_initial_velocity_belongs_to_an_instant():
    class Rod(Currents):
        @property
        def conditions(self):
            return {"speed": (self.domain.at(x=0.0), InitialVelocity())}

    with pytest.raises(ConfigurationError, match="allowed at an instant only"):
        Rod()
