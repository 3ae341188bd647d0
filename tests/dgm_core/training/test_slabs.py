"""Evolution equations in space are cut into time windows, each starting from what the one before came to."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Problem, Setup, Trainer, load_problem, train
from dgm_core.formulation import (
    Ball,
    Box,
    Dirichlet,
    Holds,
    InitialVelocity,
    InTime,
    Measured,
    Periodic,
    Table,
    Trained,
)
from dgm_core.formulation.cutting import state_of, window_of
from dgm_core.training.solution import Solution

SMALL = {"width": 8, "depth": 2, "batch_size": 40, "iterations": 12, "windows": 3, "redraw_every": 0}


class Plate(Problem):
    """A plate that cools from a bump."""

    domain = Box(x=(0.0, 1.0), y=(0.0, 2.0), t=(0.0, 1.0))

    def equation(self, y):
        return y.d("t") - y.laplacian()

    @property
    def conditions(self):
        start = Dirichlet(lambda x: torch.sin(math.pi * x[..., :2]).prod(dim=-1, keepdim=True))
        return {"start": (self.domain.initial, start), "edge": (self.domain.boundary, Dirichlet())}


class Pair(Problem):
    """Two fields around a circle: one of second order in time, one of first."""

    outputs = ("u", "v")
    domain = Box(x=(0.0, 2.0 * math.pi), t=(0.0, 2.0))

    def equation(self, y):
        first = y.d("t", "t") - y.d("x", "x") - y.d(output=1)
        return torch.cat([first, y.d("t", output=1) + y.d("x", output=1)], dim=-1)

    @property
    def conditions(self):
        start, around = self.domain.initial, self.domain.axes[0]
        return {
            "carried": (start, Dirichlet(lambda x: torch.sin(x[..., :1]), output=1)),
            "shape": (start, Dirichlet(lambda x: torch.cos(x[..., :1]), output=0)),
            "velocity": (start, InitialVelocity(lambda x: torch.sin(2.0 * x[..., :1]), output=0)),
            "around": (self.domain.at(x=around.lower), Periodic(around)),
        }


CUT = {
    "a form found by the program": "heat",
    "a form of the problem's own": "burgers",
    "periodic": "advection",
    "second order in time": "wave",
    "a form of second order of its own": "klein-gordon",
    "two axes in space": Plate,
    "two outputs": Pair,
}


def _moving(piece, x):
    x = x.requires_grad_()
    y = piece(x)
    return y, *(torch.autograd.grad(one.sum(), x, retain_graph=True)[0][..., -1:] for one in y.split(1, -1))


def test_a_problem_without_settings_is_cut_where_it_is_of_second_order_in_time() -> None:
    class Drum(Plate):
        def equation(self, y):
            return y.d("t", "t") - self.stiffness() * y.laplacian()

        def stiffness(self):
            return 1.0

        @property
        def conditions(self):
            return {**super().conditions, "speed": (self.domain.initial, InitialVelocity())}

    class Unknown(Drum):
        tension: float = Trained(0.5)

        def stiffness(self):
            return self.tension

    assert Setup.named(Plate()).config.windows == 1
    assert Setup.named(Drum()).config.windows == 4
    assert Setup.named(Unknown()).config.windows == 1  # each window would have a tension of its own


@pytest.mark.parametrize("name", CUT)
def test_hard_windows_are_continuous_where_they_meet(name: str) -> None:
    kind = CUT[name]
    problem = kind() if isinstance(kind, type) else load_problem(kind)
    setup = Setup.named(problem).changed(
        {**SMALL, "hard_conditions": True, "precision": "float64", "harmonics": 1, "optimizer": "adam"}
        | {
            "polish_iterations": 0,
            "adaptation": "none",
            "causality": 0.0,
            "input_scaling": "unit",
            "gain": 1.0,
        }
    )
    field = Solution(setup, [1, 2]).double()
    orders = problem.starts or (2, 1) if kind is Pair else (2,) if "order" in name else (1,)
    for j in (1, 2):
        field.begin(j)
        unit = torch.rand(2, 50, len(problem.inputs), dtype=torch.float64)
        low, high = (torch.tensor([getattr(a, end) for a in problem.inputs]) for end in ("lower", "upper"))
        x = low + (high - low) * unit
        x[..., -1] = field.edges[j]
        (after, *moving), (before, *moved) = (_moving(field.piece(i), x) for i in (j, j - 1))
        torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)
        for order, one, other in zip(orders, moving, moved, strict=True):
            assert torch.allclose(one, other, rtol=1e-3, atol=1e-3) == (order == 2)
    assert problem.hard_terms == field.piece(2).problem.hard_terms


def test_steps_of_windows_with_a_law_on_a_face_are_recorded() -> None:
    """What the law prescribes, and what a window starts from, are found once and not in each step."""

    class Sprung(Problem):
        domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

        def equation(self, y):
            return y.d("t", "t") - y.d("x", "x")

        @property
        def conditions(self):
            shape = Dirichlet(lambda x: torch.sin(0.75 * math.pi * x[..., :1]))
            return {
                "shape": (self.domain.initial, shape),
                "velocity": (self.domain.initial, InitialVelocity()),
                "left": (self.domain.at(x=0.0), Dirichlet()),
                "spring": (self.domain.at(x=1.0), Holds(lambda y: y.d("x") + 0.75 * math.pi * y.value)),
            }

    setup = Setup.named(Sprung()).changed({**SMALL, "polish_iterations": 0})
    assert setup.config.hard_conditions
    trainer = Trainer(setup, [0])
    for iteration in (10, 22, 34):
        trainer.advance(iteration)
        assert trainer.notes == ()


def test_conditions_in_space_hold_in_every_window() -> None:
    problem = Plate()
    setup = Setup.named(problem).changed({**SMALL, "hard_conditions": True, "polish_iterations": 0})
    field = Solution(setup, [1]).double()
    for j in (1, 2):
        field.begin(j)
    x = torch.rand(1, 60, 3, dtype=torch.float64)
    x[0, :30, 0], x[0, 30:, 1] = 1.0, 2.0
    assert field(x).abs().max() < 1e-6


@pytest.mark.parametrize(("name", "order"), [("advection", 1), ("wave", 2), ("allen-cahn", 1)])
@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_a_start_that_is_not_hard_is_a_term_of_the_loss(name: str, order: int, factor: float) -> None:
    """The solution, handed on, leaves no residual there; a multiple of it does."""
    problem = load_problem(name)

    def state(x):
        with torch.enable_grad():
            x = x.requires_grad_()
            y = factor * problem.reference(x)
            moving = [torch.autograd.grad(y.sum(), x)[0][..., -1:]] if order == 2 else []
        return torch.cat([y, *moving], dim=-1).detach()

    edge = 0.3 * problem.inputs[-1].upper
    window = window_of(problem, edge, problem.inputs[-1].upper, state_of(problem, edge, state))
    regions = {
        term: at for term, at in window.regions().items() if term in ("initial", "velocity", "interior")
    }
    points = {term: at.place(torch.rand(1, 20, at.coordinates)).double() for term, at in regions.items()}
    points["interior"] = points["interior"].requires_grad_()
    if name == "allen-cahn":  # whose reference is a table, without derivatives
        held = window.conditions["initial"][1]
        gap = held.value(points["initial"]) - problem.reference(points["initial"])
        assert (gap.abs().max() < 1e-3) == (factor == 1.0)
        return
    residuals = window.residuals(window.reference, points)
    assert residuals["interior"].abs().max() < 1e-6
    for term in ("initial", "velocity")[:order]:
        assert (residuals[term].abs().max() < 1e-5) == (factor == 1.0)


@pytest.mark.parametrize("hard", [True, False])
def test_windows_solve_an_equation_in_space(hard: bool) -> None:
    setup = Setup.named(load_problem("heat"), "second-order").changed(
        {"windows": 3, "hard_conditions": hard, "iterations": 90, "batch_size": 200, "width": 8}
    )
    trainer = Trainer(setup, [1, 2])
    trainer.advance(90)
    result = trainer.result()
    assert max(result.errors.rel_l2) < (1e-3 if hard else 2e-2)
    assert not trainer.notes, "every step is recorded"
    again = Trainer(setup, [1, 2])
    again.start_from(result.weights)
    assert again.evaluate().rel_l2 == result.errors.rel_l2


def test_a_replicate_in_windows_equals_the_same_seed_alone() -> None:
    setup = Setup.named(load_problem("heat")).changed({**SMALL, "hard_conditions": True, "iterations": 30})
    five, alone = train(setup, [11, 3, 7]), train(setup, [7])
    torch.testing.assert_close(alone.curves.losses[:, 0], five.curves.losses[:, 2], rtol=1e-3, atol=1e-5)
    assert alone.errors.rel_l2[0] == pytest.approx(five.errors.rel_l2[2], rel=1e-3)


def test_what_cannot_be_cut_is_refused() -> None:
    class Round(Plate):
        domain = InTime(Ball((0.0, 0.0), 1.0, ("x", "y")), (0.0, 1.0))

    class Measuring(Plate):
        @property
        def conditions(self):
            points = torch.tensor([[0.5, 0.5, 0.5]], dtype=torch.float64)
            return {**super().conditions, "seen": Measured(Table(points, points[:, :1]))}

    class Backwards(Plate):
        @property
        def conditions(self):
            return {"end": (self.domain.at(t=1.0), Dirichlet()), "edge": (self.domain.boundary, Dirichlet())}

    class Space(Plate):
        domain = Box(x=(0.0, 1.0), y=(0.0, 2.0), z=(0.0, 1.0), t=(0.0, 1.0))

    for kind in (Round, Measuring, Backwards, Space):
        with pytest.raises(ConfigurationError, match="cannot be cut into time windows"):
            Setup.named(kind()).changed({"windows": 2})
