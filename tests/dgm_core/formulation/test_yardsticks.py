"""Fields that cost nothing, beside which a trained one is judged."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import load_problem
from dgm_core.formulation import ODE, Box, Dirichlet, InitialVelocity, Problem
from dgm_core.training.evaluation import Evaluation


class Line(Problem):
    """u″ = 0 between 300 and 400, over 2 metres."""

    domain = Box(x=(0.0, 2.0))

    def equation(self, y):
        return y.d("x", "x")

    @property
    def conditions(self):
        ends = {"left": (0.0, 300.0), "right": (2.0, 400.0)}
        return {name: (self.domain.at(x=x), Dirichlet(value)) for name, (x, value) in ends.items()}

    def reference(self, x):
        return 300.0 + 50.0 * x


class Sheet(Problem):
    """u = x + 2 t, which its edges know, over the inside of a box."""

    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        return y.d("t", "t") - y.d("x", "x")

    @property
    def conditions(self):
        return {
            "start": (self.domain.initial, Dirichlet(self.reference)),
            "speed": (self.domain.initial, InitialVelocity(2.0)),
            "ends": (self.domain.boundary, Dirichlet(self.reference)),
        }

    def reference(self, x):
        return x[..., :1] + 2.0 * x[..., 1:]


class Growth(ODE):
    """Two quantities, whose only condition is their start."""

    outputs = ("a", "b")
    start = (1.0, 100.0)
    domain = Box(t=(0.0, 1.0))

    def rate(self, t, a, b):
        return a, 0.0 * b


def test_a_line_is_interpolated_exactly_and_a_constant_is_its_mean():
    found = Evaluation(Line()).yardsticks()
    x = torch.linspace(0.0, 2.0, Line.resolution, dtype=torch.float64)
    size = (300.0 + 50.0 * x).norm()
    assert found["zero"]["rel_l2"] == pytest.approx(1.0)
    assert found["constant"]["rel_l2"] == pytest.approx(float((50.0 * (x - 1.0)).norm() / size))
    assert found["conditions"]["max_error"] == pytest.approx(0.0, abs=1e-9)


def test_a_box_is_interpolated_from_its_edges():
    # Sobol points leave a margin at the corners, where the nearest value stands in.
    assert Evaluation(Sheet()).yardsticks()["conditions"]["rel_l2"] < 0.05


def test_a_start_alone_is_carried_on_for_each_output():
    found = Evaluation(Growth()).yardsticks()
    assert found["conditions"]["max_error of b"] == pytest.approx(0.0, abs=1e-6)
    assert found["conditions"]["max_error of a"] == pytest.approx(math.e - 1.0, rel=1e-5)
    assert found["zero"]["rel_l2"] == pytest.approx(1.0)


def test_none_without_a_reference_and_no_conditions_where_nothing_is_prescribed():
    class Bare(Line):
        reference = Problem.reference

    assert Evaluation(Bare()).yardsticks() == {}
    assert set(Evaluation(load_problem("fredholm")).yardsticks()) == {"zero", "constant"}
