"""Conditions of a system: each holds for every output unless it names one."""

from __future__ import annotations

import pytest
import torch

from dgm_core import ConfigurationError, Setup, Trainer
from dgm_core.formulation import (
    Box,
    Cauchy,
    Dirichlet,
    InitialVelocity,
    Neumann,
    Problem,
    Robin,
)

PLANE = Box(x=(0.0, 2.0), t=(0.0, 1.0))


def system(**conditions):
    """u = x + 2 t and v = 3 x − t, both of which solve w_xx = 0."""

    class Pair(Problem):
        outputs = ("u", "v")
        domain = PLANE

        def equation(self, y):
            return y.d("x", "x", output="u"), y.d("x", "x", output="v") + 0.0 * y.d("t", output="v")

        @property
        def conditions(self):
            return conditions

        def reference(self, x):
            return x @ torch.tensor([[1.0, 3.0], [2.0, -1.0]], dtype=x.dtype)

    return Pair()


RIGHT, LEFT = PLANE.at(x=2.0), PLANE.at(x=0.0)
LATE = lambda p: 2.0 * p[..., 1:]  # noqa: E731
EARLY = lambda p: -p[..., 1:]  # noqa: E731
RIGHT_U, RIGHT_V = (lambda p: 2.0 + 2.0 * p[..., 1:]), (lambda p: 6.0 - p[..., 1:])


@pytest.mark.parametrize(
    ("region", "condition", "wrong"),
    [
        (LEFT, Dirichlet((LATE, EARLY)), Dirichlet(LATE)),
        (RIGHT, Neumann((1.0, 3.0)), Neumann(1.0)),
        (LEFT, Neumann((-1.0, -3.0)), Neumann(-1.0)),
        (
            RIGHT,
            Robin((1.0, 2.0), (lambda p: 3.0 + 2.0 * p[..., 1:], lambda p: 15.0 - 2.0 * p[..., 1:])),
            Robin(1.0, lambda p: 3.0 + 2.0 * p[..., 1:]),
        ),
        (RIGHT, Cauchy((RIGHT_U, RIGHT_V), (1.0, 3.0)), Cauchy((RIGHT_U, RIGHT_V), 1.0)),
        (PLANE.initial, InitialVelocity((2.0, -1.0)), InitialVelocity(2.0)),
    ],
)
def test_a_condition_without_an_output_holds_for_each(region, condition, wrong) -> None:
    assert system(given=(region, condition))
    with pytest.raises(ConfigurationError, match="does not satisfy its term 'given'"):
        system(given=(region, wrong))


def test_a_condition_with_an_output_is_that_output_s_alone() -> None:
    start = (PLANE.initial, InitialVelocity(2.0, "u"))
    pair = system(given=(RIGHT, Neumann(3.0, output="v")), velocity=start)
    residual = pair.residuals(pair.reference, {t: torch.ones(1, 4, 2).double() for t in pair.regions()})
    for term in pair.conditions:
        assert residual[term].shape == (1, 4, 1)


def test_one_without_an_output_beside_one_with_is_asked_which_is_meant() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"the condition 'flux' of pair names no output, and so holds for each of u, v, where 'held' on "
        r"the same region prescribes v: write Neumann\(…, output=…\) for each output that is meant",
    ):
        system(held=(RIGHT, Dirichlet(RIGHT_V, output="v")), flux=(RIGHT, Neumann(1.0)))
    both = {
        "held u": (RIGHT, Dirichlet(RIGHT_U, output="u")),
        "held v": (RIGHT, Dirichlet(RIGHT_V, output="v")),
    }
    assert system(**both, flux=(RIGHT, Neumann((1.0, 3.0))))


@pytest.mark.parametrize(
    "data",
    [
        (lambda x: x[..., :1], lambda x: 3.0 * x[..., :1]),
        lambda x: (x[..., :1], 3.0 * x[..., :1]),
    ],
)
def test_data_of_each_output_are_built_into_the_field_that_is_trained(data) -> None:
    """Hard, and with derivatives that are carried forward."""
    problem = system(start=(PLANE.initial, Dirichlet(data)))
    assert problem.hard_terms == ("start",)
    trainer = Trainer(Setup.named(problem).changed({"iterations": 2, "polish": "none", "width": 4}), [0])
    trainer.advance(2)
    assert trainer.result().status == ("completed",)
