"""Derivatives by name against calculus."""

from __future__ import annotations

import pytest
import torch

from dgm_core import ConfigurationError, Setup, load_problem
from dgm_core.calculus import Automatic, Pointwise, derivatives_at, gradient
from dgm_core.training.solution import Solution


def field(x: torch.Tensor) -> torch.Tensor:
    """(x³ t², sin(x) + t)"""
    space, time = x[..., :1], x[..., 1:]
    return torch.cat([space**3 * time**2, torch.sin(space) + time], dim=-1)


@pytest.fixture
def at() -> torch.Tensor:
    return torch.rand(2, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("axes", "output", "expected"),
    [
        ((), 0, lambda x, t: x**3 * t**2),
        (("x",), 0, lambda x, t: 3 * x**2 * t**2),
        (("t",), 0, lambda x, t: 2 * x**3 * t),
        (("x", "x"), 0, lambda x, t: 6 * x * t**2),
        (("x", "t"), 0, lambda x, t: 6 * x**2 * t),
        (("t", "x"), 0, lambda x, t: 6 * x**2 * t),
        (("x", "x", "t"), 0, lambda x, t: 12 * x * t),
        (("x", "x"), 1, lambda x, t: -torch.sin(x)),
        (("t",), 1, lambda x, t: torch.ones_like(t)),
        (("t", "t"), 1, lambda x, t: torch.zeros_like(t)),
    ],
)
def test_partial_derivatives(at, axes, output, expected):
    result = Automatic(field, at, ("x", "t")).d(*axes, output=output)
    assert result.shape == (2, 5, 1)
    torch.testing.assert_close(result, expected(at[..., :1], at[..., 1:]))


def test_the_field_is_evaluated_once_and_gradients_are_shared(at):
    calls = []

    def counted(x):
        calls.append(x)
        return field(x)

    y = Automatic(counted, at, ("x", "t"))
    assert y.value.shape == (2, 5, 2)
    y.d("x", "x")
    first = y._gradients[(0, ())]
    y.d("t")
    y.d("x", "t")
    assert y._gradients[(0, ())] is first
    assert len(calls) == 1


def test_the_given_points_are_left_alone(at):
    Automatic(field, at, ("x", "t")).d("x")
    assert not at.requires_grad


def test_a_derivative_of_nothing_is_zero(at):
    y = Automatic(lambda x: torch.ones_like(x[..., :1]), at, ("x", "t"))
    assert not y.d("x").any()
    assert not y.d("x", "t").any()


def test_relu_has_no_second_derivative(at):
    y = Automatic(lambda x: torch.relu(x[..., :1] - 0.5), at, ("x", "t"))
    torch.testing.assert_close(y.d("x"), (at[..., :1] > 0.5).double())
    assert not y.d("x", "x").any()


def test_a_gradient_can_be_differentiated_again():
    x = torch.tensor([[[2.0]]], requires_grad=True)
    weight = torch.tensor(3.0, requires_grad=True)
    gradient(weight * x**2, x).sum().backward()
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(4.0)


def test_unknown_axes_are_refused(at):
    with pytest.raises(ConfigurationError, match="unknown axis 'y': it must be one of t, x"):
        Automatic(field, at, ("x", "t")).d("y")


class Counted:
    """A field that counts its calls."""

    def __init__(self, pointwise):
        self.pointwise = pointwise
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return field(x)


@pytest.mark.parametrize(("pointwise", "calls"), [(True, 1), (False, 3)])
def test_sets_of_points_share_a_call_where_the_field_is_pointwise(at, pointwise, calls):
    points = {"left": at, "middle": at[:, :1], "right": 0.5 * at[:, 1:]}
    u = Counted(pointwise)
    found = derivatives_at(u, points, ("x", "t"))
    assert u.calls == calls
    for name, x in points.items():
        alone = Automatic(field, x, ("x", "t"))
        torch.testing.assert_close(found[name].value, alone.value)
        torch.testing.assert_close(found[name].x.detach(), x)
        torch.testing.assert_close(found[name].d("x", "t", output=1), alone.d("x", "t", output=1))


@pytest.mark.parametrize(("batch_norm", "calls"), [("none", 2), ("before", 4)])
def test_a_network_that_normalises_over_the_batch_sees_each_term_apart(batch_norm, calls):
    setup = Setup.named(load_problem("heat"), "paper").changed({"batch_norm": batch_norm, "depth": 1})
    piece = Solution(setup, [0]).piece(0)
    seen = []
    piece.network.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[1]))
    points = {term: torch.rand(1, 3, 2) for term in setup.problem.terms}
    setup.problem.residuals(piece, points)
    assert len(seen) == calls
    assert sum(seen) == 12


def test_a_laplacian_of_many_axes_takes_two_passes() -> None:
    """u = Σ i sin(xᵢ) x₀ over 40 axes and time: as by a pass an axis, and its gradient with it."""
    weights = torch.arange(1.0, 42.0, dtype=torch.float64)
    amplitude = torch.ones((), dtype=torch.float64, requires_grad=True)

    def waves(x: torch.Tensor) -> torch.Tensor:
        return amplitude**2 * (weights * torch.sin(x) * x[..., :1]).sum(dim=-1, keepdim=True)

    axes = (*(f"x{i}" for i in range(40)), "t")
    x = torch.rand(2, 3, 41, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    by_axis, on_lines = Automatic(waves, x, axes), Automatic(Pointwise(waves), x, axes)
    torch.testing.assert_close(on_lines.laplacian(), by_axis.laplacian())
    assert not on_lines._gradients  # no pass along an axis
    slopes = [gradient(y.laplacian().square(), amplitude) for y in (on_lines, by_axis)]
    torch.testing.assert_close(*slopes)
