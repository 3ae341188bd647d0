"""The singular functions of corners that turn inwards, as inputs of the network."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Problem, Setup, Trainer, load_problem
from dgm_core.formulation import Box, Dirichlet, Polygon
from dgm_core.training.corners import CornerFunctions

L_SHAPE = ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0))


@pytest.mark.parametrize("vertices", [L_SHAPE, L_SHAPE[::-1]])
def test_a_corner_is_found_whichever_way_the_outline_goes(vertices) -> None:
    (corner,) = Polygon(vertices).corners
    assert corner.place == (1.0, 1.0)
    assert corner.angle == pytest.approx(1.5 * math.pi)
    assert corner.middle == pytest.approx((-math.sqrt(0.5), -math.sqrt(0.5)))


def test_convex_outlines_have_none_and_stairs_have_several() -> None:
    assert Polygon(((0.0, 0.0), (1.0, 0.0), (0.5, 1.0), (0.25, 0.5))).corners == ()
    stairs = ((0.0, 0.0), (3.0, 0.0), (3.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0), (1.0, 3.0), (0.0, 3.0))
    assert [corner.place for corner in Polygon(stairs).corners] == [(2.0, 1.0), (1.0, 2.0)]
    assert Box(x=(0.0, 1.0)).corners == ()


def test_they_are_harmonic_and_vanish_where_they_have_to() -> None:
    functions = CornerFunctions(Polygon(L_SHAPE).corners, 2)
    x = torch.tensor([[[0.3, 0.4], [1.7, 0.2], [0.2, 1.9], [0.99, 0.98]]], dtype=torch.float64)
    x.requires_grad_()
    y = functions(x)
    assert y.shape == (1, 4, 4)
    for column in y.unbind(-1):
        (slope,) = torch.autograd.grad(column.sum(), x, create_graph=True)
        bent = [torch.autograd.grad(slope[..., i].sum(), x, retain_graph=True)[0][..., i] for i in (0, 1)]
        assert (bent[0] + bent[1]).abs().max() < 1e-9 * bent[0].abs().max()
    edges = torch.tensor([[[1.0, 1.3], [1.6, 1.0]]], dtype=torch.float64)
    sines, cosines = functions(edges)[0, :, ::2], functions(edges)[0, :, 1::2]
    assert sines.abs().max() < 1e-9
    assert cosines.abs().min() > 0.1


def test_the_first_is_the_solution_of_the_l() -> None:
    problem = load_problem("poisson-l-shape")
    x = problem.evaluation_points()
    (first, *_) = CornerFunctions(problem.domain.corners, 1)(x[None]).unbind(-1)
    known = problem.reference(x)[:, 0]
    torch.testing.assert_close(first[0].abs(), known.abs(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["ssbroyden", "gauss-newton"])
def test_with_them_an_l_is_solved_and_its_steps_stay_fast(optimizer: str) -> None:
    base = Setup.named(load_problem("poisson-l-shape"), "second-order").changed(
        {
            "optimizer": optimizer,
            "width": 10,
            "depth": 2,
            "iterations": 25,
            "batch_size": 150,
            "redraw_every": 0,
        }
    )
    errors = []
    for count in (0, 1):
        trainer = Trainer(base.changed({"corner_functions": count}), [1, 2])
        trainer.advance(25)
        assert not trainer.notes, "derivatives are carried, and Jacobians cost one pass"
        errors.append(trainer.evaluate().rel_l2)
    assert max(errors[1]) < 0.7 * min(errors[0])


def test_other_domains_are_refused() -> None:
    class Square(Problem):
        domain = Polygon(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))

        def equation(self, y):
            return y.laplacian() + 1.0

        @property
        def conditions(self):
            return {"edge": (self.domain.boundary, Dirichlet())}

    for problem in (Square(), load_problem("heat")):
        with pytest.raises(ConfigurationError, match="no corner that turns inwards"):
            Setup.named(problem).changed({"corner_functions": 1})
