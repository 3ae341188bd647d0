"""Combinations of derivatives that are carried as one, against nested passes."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from dgm_core.calculus import carried, derivatives, derivatives_at
from dgm_core.calculus.jets.kernels.functions import FUNCTIONS
from dgm_core.calculus.jets.kernels.program import Compose, Spread
from dgm_core.calculus.jets.kernels.source import Units
from dgm_core.calculus.jets.kernels.writer import program_source
from dgm_core.calculus.jets.streams import Operator, Streams
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
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-12)
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


class Reversed(torch.autograd.Function):
    """Itself, and its gradient turned round."""

    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


def weighted(y):
    r = y.d("t") + y.value[..., :1] * y.d("x")
    with torch.no_grad():
        w = 1.0 / (1.0 + r.abs())
    return w * r


def frozen(y):
    with torch.no_grad():
        lag = 0.5 * y.d("x")
    return y.d("t") + lag


def changed_in_place(y):
    r = y.d("t") - 0.3 * y.d("x", "x")
    r[y.x[..., :1] < 0.5] = 0.0
    return 10.0 * r


def added_in_place(y):
    r = y.d("t") - 0.3 * y.d("x", "x")
    r -= y.x[..., :1].sin()
    return r


def a_source_that_changes(y):
    s = y.x[..., :1].detach().sin()
    r = y.d("t") - s
    s *= 3.0
    return r - 0.3 * y.d("x", "x")


def stress_of_an_energy(y):
    strain = 1.0 + y.d("x")
    energy = 1.5 * (strain - 1.0) ** 2 + 0.7 * strain**4
    (stress,) = torch.autograd.grad(energy.sum(), strain, create_graph=True)
    return stress + y.d("y")


def one_of_two_in_an_energy(y):
    slope = y.d("x")
    energy = (slope + y.d("y")) ** 2
    (stress,) = torch.autograd.grad(energy.sum(), slope, create_graph=True)
    return stress


def a_number_read(y):
    return y.d("t") - 0.1 * y.value.detach().abs().mean().item() * y.d("x", "x")


UNUSUAL = {
    "weighted by itself without a gradient": weighted,
    "an addend without a gradient": frozen,
    "changed in place": changed_in_place,
    "added to in place": added_in_place,
    "a source that changes": a_source_that_changes,
    "a derivative with respect to a derivative": stress_of_an_energy,
    "with respect to one of two": one_of_two_in_an_energy,
    "a function with a gradient of its own": lambda y: Reversed.apply(y.d("t")) - 0.3 * y.d("x", "x"),
    "such a function of a combination": lambda y: Reversed.apply(y.d("t") - 0.3 * y.d("x", "x")) * y.d("x"),
    "vmap": lambda y: torch.vmap(torch.sin)(y.d("t") - 0.3 * y.d("x", "x")) + torch.vmap(torch.cos)(y.d("y")),
    "a checkpoint": lambda y: checkpoint(torch.sin, y.d("t") - 0.3 * y.d("x", "x"), use_reentrant=False),
    "a detached addend": lambda y: y.d("t") - 0.3 * y.d("x", "x").detach(),
    "a copy": lambda y: y.d("t") - copy.deepcopy((0.3 * y.d("x", "x")).detach()),
    "numpy": lambda y: y.d("t") - y.d("x", "x") + torch.as_tensor(np.sin(y.x[..., :1].numpy(force=True))),
    "a sum of a list": lambda y: sum([y.d("t"), -0.3 * y.d("x", "x"), y.d("x")]),
    "torch's functions": lambda y: torch.rsub(y.x[..., :1], torch.add(y.d("t"), y.d("x", "x"), alpha=-0.3)),
    "a size asked for": lambda y: (y.d("t") - 0.3 * y.d("x", "x")) / y.d("t").size(dim=1),
    "indexed": lambda y: y.d("t")[:, :3] - 0.3 * y.d("x", "x")[:, :3],
    "broadcast": lambda y: (y.d("t") - 0.3 * y.d("x", "x")) + torch.ones(2, 7, 3, dtype=torch.float64),
    "a complex one": lambda y: torch.view_as_real((y.d("t") - 0.3 * y.d("x", "x")) * (1.0 + 2.0j)).flatten(2),
}
"""What else a residual may do with derivatives."""


@pytest.mark.parametrize("equation", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_an_unusual_residual_is_that_of_nested_passes(equation, network, points):
    residuals = problem(equation)
    field = carried(network, residuals, points) or network
    elsewhere = {name: x * 0.7 + 0.1 for name, x in points.items()}
    found, expected = (residuals(u, elsewhere)["inside"] for u in (field, network))
    assert type(found) is Tensor
    assert torch.allclose(found, expected, rtol=1e-10, atol=1e-12)
    pairs = zip(*(gradients(network, u, residuals, elsewhere) for u in (field, network)), strict=True)
    assert all(torch.allclose(one, other, rtol=1e-9, atol=1e-10) for one, other in pairs)


@pytest.mark.parametrize("equation", ["the heat equation", "a source between"])
@pytest.mark.parametrize("trained", [True, False], ids=["of others", "none at all"])
def test_a_rule_with_another_gradient_is_found_out(equation, trained, network, points):
    """A network with the same values and other gradients for jets, whichever of several ways is tried."""
    network.requires_grad_(trained)

    class Frozen(torch.nn.Module):
        pointwise = True

        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(1, 1, 1, dtype=torch.float64))

        def forward(self, x):
            return network(x) * (self.factor if isinstance(x, Tensor) else self.factor.detach())

    assert carried(Frozen(), problem(FOLDED[equation][0]), points) is None


def test_other_coefficients_need_no_other_kernel():
    program = (Spread(2, True), Compose(FUNCTIONS["tanh"], 0))
    sources = {
        program_source(
            program, Streams.of([Operator(((0, factor),), ((1, -1.0),))]), double=False, units=Units.of(8)
        )
        for factor in (0.1, 1.0, 3.0)
    }
    assert len(sources) == 1


def test_derivatives_at_other_points_stay_apart(network, points):
    """A jump between two sets of points: each side is a combination by itself."""

    def residuals(u, points):
        one, other = (derivatives(u, points[name][:, :4], AXES) for name in ("inside", "wall"))
        return {"jump": one.d("t") - 0.3 * one.d("x", "x") - (other.d("t") - 0.3 * other.d("x", "x"))}

    field = carried(network, residuals, points)
    assert field is not None
    found, expected = (residuals(u, points)["jump"] for u in (field, network))
    assert torch.allclose(found, expected, rtol=1e-10)
