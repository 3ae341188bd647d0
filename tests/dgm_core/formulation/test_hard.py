"""Hard conditions on boxes: what is built in, what is left to the loss, and that no more is prescribed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgm_core.calculus import Automatic
from dgm_core.formulation import (
    Ball,
    Box,
    Dirichlet,
    InitialVelocity,
    Neumann,
    Periodic,
    Problem,
    Trained,
)
from dgm_core.formulation.hard import hard_form

LINE = Box(x=(1.0, 3.0))
SQUARE = Box(x=(0.0, 2.0), y=(-1.0, 1.0))
RIBBON = Box(x=(0.0, 2.0), t=(1.0, 4.0))


def posed(box, conditions, outputs=("u",), equation=None):
    """A problem with these conditions, and an equation that any field may miss."""

    class Posed(Problem):
        domain = box

        def equation(self, y):
            if equation is not None:
                return equation(y)
            second = [y.d(y.axes[0], y.axes[0], output=i) for i in range(len(outputs))]
            return torch.cat([one + y.d(output=i) + 1.0 for i, one in enumerate(second)], dim=-1)

        @property
        def conditions(self):
            return conditions

    Posed.outputs = outputs
    return Posed()


def wild(x, outputs=1):
    """Raw values that respect nothing."""
    phase = torch.arange(1.0, outputs + 1.0, dtype=x.dtype)
    return 5.0 + torch.sin(7.0 * x.sum(dim=-1, keepdim=True) + phase)


def residuals(problem, terms):
    """Of the problem's own hard field over wild values, at random points of the terms' regions."""
    generator = torch.Generator().manual_seed(3)

    def uniform(batches, n, m, generator):
        return torch.rand(batches, n, m, dtype=torch.float64, generator=generator)

    regions = problem.regions()
    points = {term: regions[term].draw(uniform, 2, regions[term].count(30), generator) for term in terms}
    points["interior"] = regions["interior"].draw(uniform, 2, 30, generator)
    count = len(problem.outputs)
    return problem.residuals(lambda x: problem.constrain(x, wild(x, count)), points)


def x_plus_t(p):
    return p[..., :1] + p[..., 1:]


FORMS = {
    "two ends": (
        LINE,
        {"left": (LINE.at(x=1.0), Dirichlet(2.0)), "right": (LINE.at(x=3.0), Dirichlet(-4.0))},
    ),
    "one end": (LINE, {"left": (LINE.at(x=1.0), Dirichlet(2.0)), "flux": (LINE.at(x=3.0), Neumann(1.0))}),
    "the whole edge": (
        SQUARE,
        {"edge": (SQUARE.boundary, Dirichlet(lambda p: p[..., :1] * p[..., 1:] ** 2))},
    ),
    "three sides": (
        SQUARE,
        {
            "left": (SQUARE.at(x=0.0), Dirichlet(lambda p: torch.sin(p[..., 1:]))),
            "below": (SQUARE.at(y=-1.0), Dirichlet(lambda p: torch.sin(p[..., 1:]) + p[..., :1])),
            "above": (SQUARE.at(y=1.0), Dirichlet(lambda p: torch.sin(p[..., 1:]) - p[..., :1])),
        },
    ),
    "start and ends": (
        RIBBON,
        {"start": (RIBBON.initial, Dirichlet(x_plus_t)), "ends": (RIBBON.boundary, Dirichlet(x_plus_t))},
    ),
    "start, velocity and ends": (
        RIBBON,
        {
            "start": (RIBBON.initial, Dirichlet(x_plus_t)),
            "speed": (RIBBON.initial, InitialVelocity(1.0)),
            "ends": (RIBBON.boundary, Dirichlet(x_plus_t)),
        },
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_conditions_hold_whatever_the_network_says(name):
    box, conditions = FORMS[name]
    problem = posed(box, conditions)
    terms = tuple(term for term, (_, held) in conditions.items() if not isinstance(held, Neumann))
    assert problem.hard_terms == terms
    found = residuals(problem, terms)
    for term in terms:
        assert found[term].abs().max() < 1e-12
    assert found["interior"].abs().max() > 1.0, "the inside stays the network's"


@pytest.mark.parametrize("name", FORMS)
def test_inside_every_value_can_be_reached(name):
    """The network's part has a factor that vanishes where a value is prescribed, and nowhere else."""
    box, conditions = FORMS[name]
    problem = posed(box, conditions)
    generator = torch.Generator().manual_seed(5)
    x = box.interior.draw(
        lambda b, n, m, g: 0.02 + 0.96 * torch.rand(b, n, m, generator=g), 1, 200, generator
    )
    x = x.double()
    gap = problem.constrain(x, torch.ones_like(x[..., :1])) - problem.constrain(
        x, torch.zeros_like(x[..., :1])
    )
    assert gap.min() > 1e-5
    assert gap.max() < 1.0 + 1e-12


def test_each_output_has_the_conditions_of_its_own():
    conditions = {
        "u": (LINE.at(x=1.0), Dirichlet(2.0, output=0)),
        "v": (LINE.at(x=3.0), Dirichlet(lambda x: x**2, output=1)),
    }
    problem = posed(LINE, conditions, outputs=("u", "v", "w"))
    assert problem.hard_terms == ("u", "v")
    ends = torch.tensor([[[1.0], [3.0]]], dtype=torch.float64)
    found, raw = problem.constrain(ends, wild(ends, 3)), wild(ends, 3)
    assert found[0, 0, 0] == 2.0
    assert found[0, 1, 1] == 9.0
    assert torch.equal(found[..., 2], raw[..., 2]), "an output without conditions is the network's own"


def test_initial_values_yield_where_a_corner_is_contradicted():
    conditions = {"start": (RIBBON.initial, Dirichlet(1.0)), "ends": (RIBBON.boundary, Dirichlet(0.0))}
    assert posed(RIBBON, conditions).hard_terms == ("ends",)


LEFT = {
    "a flux": (LINE, {"left": (LINE.at(x=1.0), Neumann(2.0))}),
    "a slice inside": (LINE, {"middle": (LINE.at(x=2.0), Dirichlet(2.0))}),
    "a kink": (SQUARE, {"edge": (SQUARE.boundary, Dirichlet(lambda p: (p[..., :1] - 1.1).abs() ** 0.5))}),
    "two values for one end": (
        LINE,
        {"one": (LINE.at(x=1.0), Dirichlet(2.0)), "other": (LINE.boundary, Dirichlet(2.0))},
    ),
    "a velocity without a start": (RIBBON, {"speed": (RIBBON.initial, InitialVelocity(1.0))}),
    "another box's end": (LINE, {"left": (Box(x=(1.0, 9.0)).at(x=1.0), Dirichlet(2.0))}),
    "a disc": (Ball(), {"edge": (Ball().boundary, Dirichlet(1.0))}),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_has_no_form_is_left_to_the_loss(name):
    assert posed(*LEFT[name]).hard_terms == ()


def test_many_axes_have_a_form_where_nothing_is_to_be_blended():
    cube = Box(**{f"x{i}": (0.0, 1.0) for i in range(6)})

    def equation(y):
        return y.laplacian() + 1.0

    zero = posed(cube, {"edge": (cube.boundary, Dirichlet())}, equation=equation)
    wavy = Dirichlet(lambda x: torch.cos(x.sum(-1, keepdim=True)))
    data = posed(cube, {"edge": (cube.boundary, wavy)}, equation=equation)
    assert zero.hard_terms == ("edge",)
    assert data.hard_terms == ()


def test_periodic_conditions_stand_beside_it():
    x = RIBBON.axes[0]
    conditions = {
        "start": (RIBBON.initial, Dirichlet(lambda p: torch.cos(torch.pi * p[..., :1]))),
        "round": (RIBBON.at(x=0.0), Periodic(x)),
    }
    assert set(posed(RIBBON, conditions).hard_terms) == {"start", "round"}


class Unknown(Problem):
    """u″ = k with one end that knows k, and one that does not."""

    domain = LINE
    k: float = Trained(3.0)
    of_k = False

    def equation(self, y):
        return y.d("x", "x") - self.k

    @property
    def conditions(self):
        left = self.k if self.of_k else 2.0
        return {
            "left": (LINE.at(x=1.0), Dirichlet(lambda x: left + 0.0 * x)),
            "flux": (LINE.at(x=3.0), Neumann(1.0)),
        }


def test_data_that_a_trained_constant_changes_are_left_to_the_loss():
    assert Unknown().hard_terms == ("left",)
    assert type("OfK", (Unknown,), {"of_k": True})().hard_terms == ()


def test_it_is_found_once_for_each_class_and_parameters():
    class Strip(Problem):
        domain = LINE
        height: float = 2.0

        def equation(self, y):
            return y.d("x", "x")

        @property
        def conditions(self):
            return {"left": (LINE.at(x=1.0), Dirichlet(self.height)), "f": (LINE.at(x=3.0), Neumann())}

    assert hard_form(Strip()) is hard_form(Strip())
    x = torch.ones(1, 1, 1, dtype=torch.float64)
    assert Strip(height=5.0).constrain(x, x).item() == 5.0
    assert Strip().constrain(x, x).item() == 2.0


def test_derivatives_pass_through_it():
    """The equation sees the data's own derivatives: u = x y² on the edge, with nothing from the network."""
    problem = posed(*FORMS["the whole edge"])
    x = torch.rand(1, 9, 2, dtype=torch.float64) * 2.0 - torch.tensor([0.0, 1.0])
    y = Automatic(lambda x: problem.constrain(x, 0.0 * x[..., :1]), x, ("x", "y"))
    # The transfinite interpolation of x y² from the sides of [0, 2] × [−1, 1] is x y² itself.
    torch.testing.assert_close(y.value, x[..., :1] * x[..., 1:] ** 2)
    torch.testing.assert_close(y.d("y", "y"), 2.0 * x[..., :1])


@pytest.mark.parametrize(
    ("data", "hard"),
    [
        (lambda x: x[..., :1] ** 2, True),
        (lambda x: x[..., :1] ** 1.5, False),  # no number where differences at the edge look
        (lambda x: torch.hypot(x[..., :1], 0.0 * x[..., :1]), False),  # 0 / 0 at the edge
        (lambda x: torch.heaviside(x[..., :1] - 0.5, x.new_tensor(0.5)), False),
        (lambda x: torch.from_numpy(np.sin(np.pi * x[..., :1].detach().numpy())), False),
    ],
)
def test_data_without_derivatives_are_left_to_the_loss(data, hard) -> None:
    class Rod(Problem):
        domain = Box(x=(0.0, 1.0), t=(0.0, 0.1))

        def equation(self, y):
            return y.d("t") - y.d("x", "x")

        @property
        def conditions(self):
            ends = (self.domain.boundary, Neumann())
            return {"start": (self.domain.initial, Dirichlet(data)), "ends": ends}

    assert Rod().hard_terms == (("start",) if hard else ())
