"""Differential equations of second order in time are cut into windows, which hand on value and velocity."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Problem, Setup, Trainer
from dgm_core.formulation import Box, Dirichlet, Holds, InitialVelocity, Measured, Table
from dgm_core.formulation.cutting import window_of
from dgm_core.formulation.hard import prescriptions


class Pendulum(Problem):
    """u″ = −4 u, u(0) = 1, u′(0) = 2:  u = cos 2t + sin 2t."""

    domain = Box(t=(0.0, 6.0))

    def equation(self, y):
        return y.d("t", "t") + 4.0 * y.value

    @property
    def conditions(self):
        start = self.domain.initial
        return {"start": (start, Dirichlet(1.0)), "speed": (start, InitialVelocity(2.0))}

    def reference(self, t):
        return torch.cos(2.0 * t) + torch.sin(2.0 * t)


class Written(Pendulum):
    """The same, its conditions written as laws."""

    @property
    def conditions(self):
        start = self.domain.initial
        return {
            "start": (start, Holds(lambda y: y.value - 1.0)),
            "speed": (start, Holds(lambda y: 3.0 * y.d("t") - 6.0 * torch.cos(y.x))),
        }


class Mixed(Problem):
    """A motor: a speed of first order beside an angle of second."""

    outputs = ("angle", "current")
    domain = Box(t=(0.0, 1.0))

    def equation(self, y):
        angle = y.d("t", "t") - y.d(output=1)
        return torch.cat([angle, y.d("t", output=1) + y.d(output=1)], dim=-1)

    @property
    def conditions(self):
        start = self.domain.initial
        return {
            "currents": (start, Dirichlet(5.0, output=1)),
            "angles": (start, Dirichlet(3.0, output=0)),
            "speeds": (start, InitialVelocity(4.0, output=0)),
        }


@pytest.mark.parametrize("kind", [Pendulum, Written])
def test_it_is_cut_into_windows_and_solved(kind: type[Problem]) -> None:
    torch.set_num_threads(1)
    setup = Setup.named(kind()).shortened(60).changed({"windows": 4, "width": 12, "polish_iterations": 60})
    trainer = Trainer(setup, [1, 2])
    trainer.advance(60)
    assert max(trainer.result().errors.rel_l2) < 2e-3
    assert not trainer.notes, "every step is recorded"
    field = trainer.network.double()
    for j in (1, 2, 3):
        edge = torch.full((2, 1, 1), field.edges[j], dtype=torch.float64, requires_grad=True)
        for own, before in zip(*(_moving(field.piece(i), edge) for i in (j, j - 1)), strict=True):
            torch.testing.assert_close(own, before, rtol=1e-6, atol=1e-6)


def _moving(piece, edge):
    value = piece(edge)
    return value, torch.autograd.grad(value.sum(), edge)[0]


def test_defaults_cut_what_is_given_a_start_alone() -> None:
    class Boundary(Pendulum):
        @property
        def conditions(self):
            ends = {term: (self.domain.at(t=at), Dirichlet(self.reference)) for term, at in self.ends}
            return ends

        ends = (("first", 0.0), ("last", 6.0))

    class Watched(Pendulum):
        @property
        def conditions(self):
            t = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
            return {**super().conditions, "seen": Measured(Table(t, Pendulum.reference(self, t)))}

    assert Setup.named(Pendulum()).config.windows == 10
    for kind in (Boundary, Watched):
        assert Setup.named(kind()).config.windows == 1
        with pytest.raises(ConfigurationError, match="cannot be cut into time windows"):
            Setup.named(kind()).changed({"windows": 2})


def test_a_window_starts_each_output_from_what_is_prescribed_of_it() -> None:
    problem = Mixed()
    assert problem.starts == (2, 1)
    assert problem.state_at_start().tolist() == [[3.0, 5.0, 4.0]]
    window = window_of(problem, 0.5, 1.0, torch.tensor([[1.0, 2.0, 7.0]]))
    t = torch.full((1, 1, 1), 0.5, dtype=torch.float64, requires_grad=True)
    y = window.constrain(t, torch.cos(t).expand(-1, -1, 2))
    assert y.flatten().tolist() == [1.0, 2.0]
    assert torch.autograd.grad(y[..., 0].sum(), t)[0].item() == 7.0
    points = {term: region.nodes for term, region in window.regions().items() if term != "interior"}
    assert list(points) == ["currents", "angles", "speeds"]


class Strung(Problem):
    """A string whose initial velocity is a law, π sin 3πx."""

    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        return y.d("t", "t") - y.d("x", "x")

    @property
    def conditions(self):
        start = self.domain.initial
        return {
            "ends": (self.domain.boundary, Dirichlet()),
            "shape": (start, Dirichlet(lambda p: torch.sin(math.pi * p[..., :1]))),
            "law": (start, Holds(self.law[0])),
        }

    law = (lambda y: 2.0 * y.d("t") - 2.0 * math.pi * torch.sin(3.0 * math.pi * y.x[..., :1]),)


def test_a_velocity_that_is_a_law_holds_exactly() -> None:
    problem = Strung()
    assert problem.hard_terms == ("ends", "shape", "law")
    x = torch.tensor([[[0.2, 0.0], [0.7, 0.0]]], dtype=torch.float64, requires_grad=True)
    field = problem.constrain(x, torch.cos(5.0 * x.sum(dim=-1, keepdim=True)))
    velocity = torch.autograd.grad(field.sum(), x)[0][..., 1]
    torch.testing.assert_close(velocity, math.pi * torch.sin(3.0 * math.pi * x[..., 0]))


LAWS = {
    "a value": lambda y: 2.0 * y.value - torch.sin(math.pi * y.x[..., :1]),
    "value and velocity": lambda y: y.d("t") + y.value,
    "a square": lambda y: y.value**2 - 1.0,
    "a factor that changes": lambda y: (1.0 + y.x[..., :1]) * y.d("t"),
    "an acceleration": lambda y: y.d("t", "t"),
    "a slope": lambda y: y.d("x"),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws_are_recognised_by_what_they_prescribe(name: str) -> None:
    class Lawful(Strung):
        law = (LAWS[name],)

    found = prescriptions(Lawful())["law"][1]
    assert isinstance(found, Dirichlet if name == "a value" else Holds)
    if name == "a value":
        x = torch.tensor([[[0.3, 0.0]]], dtype=torch.float64)
        assert found.value(x).item() == pytest.approx(math.sin(0.3 * math.pi) / 2.0)
