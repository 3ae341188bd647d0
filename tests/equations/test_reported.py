"""What people reported of programs like this one, each as its right value or its one sentence.

The kinds that these stand for have tests where they belong: shapes and unknowns in test_probing.py, units in
test_scales.py, tables in test_tables.py, coefficients in test_interpolation.py, cylinders and histories in
test_integral.py.
"""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Problem, Setup, Trainer
from dgm_core.formulation import (
    ODE,
    Box,
    Cauchy,
    Dirichlet,
    FixedNodes,
    InitialValueProblem,
    InitialVelocity,
    Measured,
    Polygon,
    Robin,
    Table,
    Trained,
)
from dgm_core.training import TrainedField

torch.set_num_threads(1)


def solved(problem, iterations=40, **changes) -> TrainedField:
    """By the defaults of its kind, shortened: a smaller network, two seeds."""
    small = {"width": 16, "depth": 2, "batch_size": 32, "polish_points": 60}
    setup = Setup.named(problem).shortened(iterations).changed({**small, **changes})
    trainer = Trainer(setup, [0, 1])
    trainer.advance(iterations)
    return TrainedField(trainer.network.double().eval().requires_grad_(False))


class Rod(Problem):
    """u″ = −2 between 0 and 0, whose middle is at 1/4."""

    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 2.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}


class Plate(Problem):
    """T_t = a T_xx in metres, seconds and kelvins: 300 K at its faces, 1000 K in the middle at first."""

    domain = Box(x=(0.0, 0.04), t=(0.0, 20.0))

    def equation(self, y):
        return y.d("t") - 1.4e-5 * y.d("x", "x")

    @property
    def conditions(self):
        return {
            "start": (self.domain.initial, Dirichlet(self.reference)),
            "faces": (self.domain.boundary, Dirichlet(300.0)),
        }

    def reference(self, p):
        wave = math.pi / 0.04
        return 300.0 + 700.0 * torch.sin(wave * p[..., :1]) * torch.exp(-1.4e-5 * wave**2 * p[..., 1:])


def test_data_without_their_last_axis_are_refused():
    class Flat(Rod):
        def equation(self, y):
            return y.d("x", "x") + torch.sin(y.x[..., 0])

    with pytest.raises(ConfigurationError, match=r"'interior' of flat .* write x\[\.\.\., :1\]"):
        Flat()


def test_numbers_are_data_and_robin_takes_a_function():
    class Wall(Rod):
        """u″ = 0 from 100 to a surface that gives off h (u − 20) with h = 2: u = 100 − 160 x / 3."""

        def equation(self, y):
            return y.d("x", "x")

        @property
        def conditions(self):
            air = Robin(lambda x: 2.0 + 0.0 * x, 40.0)
            return {"hot": (self.domain.at(x=0.0), Dirichlet(100.0)), "air": (self.domain.at(x=1.0), air)}

    assert solved(Wall())(torch.tensor([[0.75]])).flatten().tolist() == pytest.approx([60.0] * 2, rel=1e-3)


def test_the_middle_of_a_rod_is_where_it_should_be():
    assert solved(Rod())(torch.tensor([[0.5]])).flatten().tolist() == pytest.approx([0.25] * 2, rel=5e-3)


class Plucked(Problem):
    domain = Box(x=(0.0, 1.0), t=(0.0, 0.5))
    start = (InitialVelocity(lambda p: math.pi * torch.sin(math.pi * p[..., :1])),)

    def equation(self, y):
        return y.d("t", "t") - y.d("x", "x")

    @property
    def conditions(self):
        zero = (self.domain.initial, Dirichlet())
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "shape": zero,
            "start": (self.domain.initial, self.start[0]),
        }


def test_an_initial_velocity_has_its_sign():
    """u = sin πx sin πt moves upwards at first."""
    speed = solved(Plucked(), 5).derivative("t")(torch.tensor([[0.5, 0.0]]))
    assert speed.flatten().tolist() == pytest.approx([math.pi] * 2, rel=1e-6), "it is hard"

    class Normal(Plucked):
        start = (Cauchy(0.0, math.pi),)

    with pytest.raises(ConfigurationError, match="time has no outward normal; `InitialVelocity`"):
        Normal()


T = torch.linspace(0.1, 4.0, 30, dtype=torch.float64)[:, None]
DECAY = Table(T, 1.0 / (1.0 + 0.5 * T))


class Inverse(InitialValueProblem):
    """y′ = −k y², y(0) = 1; k = 0.5 is to be found from measurements, the last at the end of the domain."""

    outputs = ("y",)
    domain = Box(t=(0.0, 4.0))
    k: float = Trained(1.0, positive=True)
    table = DECAY

    def initial_state(self, like):
        return torch.ones_like(like[:1, :1, :1])

    def equation(self, y):
        return y.d("t") + self.k * y.value**2

    @property
    def conditions(self):
        return {**super().conditions, "data": Measured(DECAY)}


def test_an_unknown_constant_is_found_by_the_defaults():
    setup = Setup.named(Inverse()).shortened(150).changed({"width": 12, "batch_size": 16})
    assert setup.config.hard_conditions
    trainer = Trainer(setup, [0, 1])
    trainer.advance(150)
    assert trainer.result().constants["k"] == pytest.approx([0.5] * 2, abs=5e-3)


def test_nodes_may_lie_on_the_edge_of_the_domain():
    class Nodes(Inverse):
        @property
        def conditions(self):
            nodes = (FixedNodes.of(DECAY.points), Dirichlet(DECAY))
            return {**InitialValueProblem.conditions.fget(self), "data": nodes}

    assert solved(Nodes(), 20)(torch.tensor([[4.0]])).shape == (2, 1, 1)


def test_values_at_nodes_may_come_as_a_table_has_them():
    """(n, 1) without an axis for the replicates, as a tensor or from a function; (n,) is a slip."""

    def nodes(values):
        class Nodes(Inverse):
            @property
            def conditions(self):
                held = (FixedNodes.of(DECAY.points), Dirichlet(values))
                return {**InitialValueProblem.conditions.fget(self), "data": held}

        return Nodes()

    for values in (DECAY.values, lambda x: DECAY.values.to(x)):
        assert nodes(values).terms == ("interior", "initial", "data")
    with pytest.raises(ConfigurationError, match=r"data have the shape \(30,\)"):
        nodes(DECAY.values[:, 0])


def test_an_inverse_problem_by_a_second_output_has_its_constant():
    """k as an output that does not change, found from measurements: y′ = −k y², k = 0.5."""

    class Second(Problem):
        outputs = ("y", "k")
        domain = Box(t=(0.0, 4.0))

        def equation(self, y):
            return torch.cat([y.d("t") + y.d(output=1) * y.d(output=0) ** 2, y.d("t", output=1)], dim=-1)

        @property
        def conditions(self):
            start = (self.domain.initial, Dirichlet(1.0, output=0))
            return {"start": start, "data": Measured(DECAY, output=0)}

    field = solved(Second(), 150)
    assert field(torch.tensor([[2.0]]))[..., 1].flatten().tolist() == pytest.approx([0.5] * 2, abs=0.02)


def test_two_numbers_make_a_coefficient():
    """torch.where of two Python numbers is float32, and no reason to doubt a reference."""

    class Layers(Problem):
        outputs = ("T", "q")
        domain = Box(x=(0.0, 2.0))

        def equation(self, y):
            k = torch.where(y.x < 1.0, 1.38, 400.0)
            return torch.cat([y.d(output=1) + k * y.d("x"), y.d("x", output=1)], dim=-1)

        @property
        def conditions(self):
            bottom, top = self.domain.at(x=0.0), self.domain.at(x=2.0)
            return {"T": (bottom, Dirichlet(293.15, output=0)), "q": (top, Dirichlet(-200.0, output=1))}

        def reference(self, x):
            low, high = 293.15 + 200.0 * x / 1.38, 293.15 + 200.0 / 1.38 + 0.5 * (x - 1.0)
            return torch.cat([torch.where(x < 1.0, low, high), torch.full_like(x, -200.0)], dim=-1)

    assert Layers().hard_terms == ("T", "q")


def test_an_outline_ends_where_it_began_and_walls_have_names():
    corners = ((0.0, 0.0), (2.0, 0.0), (2.0, 0.5), (1.0, 0.3), (0.0, 0.5), (0.0, 0.0))
    nozzle = Polygon(corners)
    assert len(nozzle.parts) == 5
    assert nozzle.joined("edge_3", "edge_4").measure == pytest.approx(2.0 * math.hypot(1.0, 0.2))


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_kelvins_and_metres_are_brought_near_one(unit):
    """The same plate in any unit of length ends equally near, far below its 300 to 1000 K."""

    class Unit(Plate):
        domain = Box(x=(0.0, 0.04 * unit), t=(0.0, 20.0))

        def equation(self, y):
            return y.d("t") - 1.4e-5 * unit**2 * y.d("x", "x")

        def reference(self, p):
            return Plate.reference(self, torch.cat([p[..., :1] / unit, p[..., 1:]], dim=-1))

    field = solved(Unit())
    points = torch.tensor([[0.02 * unit, 5.0], [0.01 * unit, 15.0]], dtype=torch.float64)
    exact = Unit().reference(points)
    assert ((field(points) - exact).abs() / exact).max() < 0.01


def test_a_class_that_is_defined_again_is_another_problem():
    """As in a notebook: each has the numerical reference of its own."""
    ends = []
    for number in (1.0, 1.05, 3.0):

        class Cooling(ODE):
            outputs = ("u",)
            start = (1.0,)
            domain = Box(t=(0.0, 1.0))
            speed = number

            def rate(self, t, u):
                return -self.speed * u

        ends.append(Cooling().reference(torch.ones(1, 1, dtype=torch.float64)).item())
    assert ends == pytest.approx([math.exp(-rate) for rate in (1.0, 1.05, 3.0)], rel=1e-6)


def test_measurements_outside_the_domain_are_said():
    class Short(Inverse):
        domain = Box(t=(0.0, 2.0))

    with pytest.raises(ConfigurationError, match="points outside of the domain"):
        Short()
