"""Combinations of derivatives that are carried as one, against nested passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from dgm_core.calculus import carried, derivatives, derivatives_at
from dgm_core.calculus.jets.combinations import Combination
from dgm_core.networks import build_network
from dgm_core.training import TrainConfig

AXES = ("x", "y", "t")

FOLDED = {
    "the heat equation": (lambda y: y.d("t") - 0.3 * y.d("x", "x"), 3),
    "written the other way round": (lambda y: -(y.d("x", "x") * 0.3 - y.d("t")) / 2, 3),
    "a number of numpy's": (lambda y: y.d("t") - np.float64(0.3) * y.d("x", "x"), 3),
    "a source between": (lambda y: y.d("t") - y.x[..., :1].sin() - 0.3 * y.laplacian() + 1, 4),
    "a number first": (lambda y: 2.0 - (y.d("t") - y.laplacian()), 4),
    "an advected one": (lambda y: y.d("t") + 2.0 * y.d("x") - 0.5 * y.d("y"), 2),
    "drift and diffusion": (lambda y: y.d("t") + y.d("x") - 0.1 * y.d("x", "x") - 0.2 * y.d("y", "y"), 4),
    "unequal conductivities": (lambda y: 3.0 * y.d("x", "x") + 0.2 * y.d("y", "y") + y.d("t"), 4),
    "viscous and nonlinear": (lambda y: y.d("t") + y.value[..., :1] * y.d("x") - 0.1 * y.d("x", "x"), 3),
    "a laplacian and more of it": (lambda y: y.laplacian() + 2.0 * y.d("x", "x") + y.d("t"), 4),
    "outputs of one diffusivity": (
        lambda y: torch.cat([y.d("t", output=k) - 0.3 * y.d("x", "x", output=k) for k in (0, 1)], dim=-1),
        3,
    ),
    "two outputs": (lambda y: y.d("t") - 0.3 * y.d("x", "x") + y.d("x", output=1) - y.value[..., 1:], 3),
}
"""Equations, and how many streams serve them where one is their operator."""

APART = {
    "squares of both signs": (lambda y: y.d("t", "t") - 4.0 * y.d("x", "x"), 5),
    "a mixed derivative": (lambda y: y.d("x", "x") + y.d("x", "t"), 5),
    "an addend alone": (lambda y: y.d("t") - 0.3 * y.d("x", "x") + y.d("t") * y.d("x", "x"), 4),
    "a coefficient that varies": (lambda y: y.d("t") - (1.0 + y.x[..., :1]) * y.d("x", "x"), 4),
    "a coefficient that is a tensor": (lambda y: y.d("t") - torch.tensor(0.3) * y.d("x", "x"), 4),
    "outputs of two diffusivities": (
        lambda y: torch.cat([y.d("t", output=k) - (k + 1) * y.d("x", "x", output=k) for k in (0, 1)], dim=-1),
        4,
    ),
    "no addend": (lambda y: y.d("t") - 0.0 * y.d("x", "x"), 4),
}


@pytest.fixture
def network():
    return build_network(TrainConfig(network="mlp", depth=2, width=6), 3, 2, range(2)).double()


@pytest.fixture
def points() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(2, n, 3, dtype=torch.float64, generator=generator)
        for name, n in (("inside", 7), ("wall", 4))
    }


def problem(equation):
    def residuals(u, points):
        at = derivatives_at(u, points, AXES)
        return {"inside": equation(at["inside"]), "wall": at["wall"].d("x") - at["wall"].value}

    return residuals


def gradients(network, field, residuals, points):
    total = sum((residual**2).sum() for residual in residuals(field, points).values())
    return torch.autograd.grad(total, list(network.parameters()))


@pytest.mark.parametrize(("equation", "streams"), [*FOLDED.values(), *APART.values()], ids=[*FOLDED, *APART])
def test_an_equation_is_that_of_nested_passes(equation, streams, network, points):
    residuals = problem(equation)
    field = carried(network, residuals, points)
    assert field is not None
    assert len(field._plans["inside"].streams) == streams
    found, expected = (residuals(u, points).values() for u in (field, network))
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one + 0.0, other, rtol=1e-10, atol=1e-12)
    pairs = zip(*(gradients(network, u, residuals, points) for u in (field, network)), strict=True)
    assert all(torch.allclose(one, other, rtol=1e-9, atol=1e-10) for one, other in pairs)


@pytest.mark.parametrize("network", ["resnet", "dgm"])
def test_networks_that_look_at_the_points_again(network, points):
    """And inputs that are scaled before the first map: a drift is scaled with them."""
    inner = build_network(TrainConfig(network=network, depth=2, width=5), 3, 2, range(2)).double()

    class Scaled(torch.nn.Module):
        pointwise = True

        def forward(self, x):
            return (x[..., :1] - 2.0) * inner((x - 0.5) * x.new_tensor([[[2.0, 3.0, 0.5]]]))

    residuals = problem(FOLDED["viscous and nonlinear"][0])
    scaled = Scaled()
    field = carried(scaled, residuals, points)
    assert field is not None
    assert len(field._plans["inside"].streams) == 3
    pairs = zip(*(gradients(inner, u, residuals, points) for u in (field, scaled)), strict=True)
    assert all(torch.allclose(one, other, rtol=1e-9, atol=1e-10) for one, other in pairs)


def test_a_coefficient_that_is_constant_where_it_was_looked_at_and_not_elsewhere(network, points):
    """It is no number, so that nothing is concluded from its values."""

    def equation(y):
        return y.d("t") - torch.where(y.x[..., :1] < 2.0, 1.0, 5.0) * y.d("x", "x")

    field = carried(network, problem(equation), points)
    assert field is not None
    elsewhere = {name: x + 3.0 for name, x in points.items()}
    found, expected = (problem(equation)(u, elsewhere)["inside"] for u in (field, network))
    assert torch.allclose(found, expected, rtol=1e-10)


def test_what_was_not_foreseen_is_computed_all_the_same(network, points):
    """A field that carries an operator is asked for its addends, for others and for other multiples."""
    field = carried(network, problem(FOLDED["the heat equation"][0]), points)
    assert field is not None
    found, expected = (derivatives_at(u, points, AXES)["inside"] for u in (field, network))
    for asked in (
        lambda y: y.d("x"),
        lambda y: y.d("t"),
        lambda y: y.d("x", "x"),
        lambda y: y.d("t") - 0.2 * y.d("x", "x"),
        lambda y: 0.6 * y.d("x", "x") - 2.0 * y.d("t"),
        lambda y: y.laplacian(),
        lambda y: y.gradient(),
    ):
        assert torch.allclose(asked(found) + 0.0, asked(expected) + 0.0, rtol=1e-10, atol=1e-12)


def test_a_combination_is_a_tensor_to_all_that_looks_at_it(network, points):
    residuals = problem(FOLDED["the heat equation"][0])
    field = carried(network, residuals, points)
    found, expected = (residuals(u, points)["inside"] for u in (field, network))
    assert isinstance(found, Combination)
    assert isinstance(found, Tensor)
    assert (found.shape, found.dtype, found.dim(), len(found)) == ((2, 7, 1), torch.float64, 3, 2)
    assert found.requires_grad
    for use in (
        lambda r: r[:, 1:],
        lambda r: r.square().mean(dim=1),
        lambda r: torch.stack([r, 2 * r]),
        lambda r: torch.where(r > 0, r, 0.0),
        lambda r: r @ torch.ones(1, 2, dtype=torch.float64),
        lambda r: 1.0 / r,
        lambda r: torch.ones_like(r) - r * r + r**2,
        lambda r: r + torch.ones(2, 7, 3, dtype=torch.float64),
        lambda r: torch.add(r, r, alpha=3),
    ):
        assert torch.allclose(use(found), use(expected), rtol=1e-10)
    assert not isinstance(found.detach(), Combination)
    assert np.allclose(found.detach().numpy(), expected.detach().numpy())


def test_derivatives_at_other_points_stay_apart(network, points):
    """A jump between two sets of points: each side is a combination by itself."""

    def residuals(u, points):
        one, other = (derivatives(u, points[name][:, :4], AXES) for name in ("inside", "wall"))
        return {"jump": one.d("t") - 0.3 * one.d("x", "x") - (other.d("t") - 0.3 * other.d("x", "x"))}

    field = carried(network, residuals, points)
    assert field is not None
    found, expected = (residuals(u, points)["jump"] for u in (field, network))
    assert torch.allclose(found + 0.0, expected, rtol=1e-10)
