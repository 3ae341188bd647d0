"""Operators in any dimension, by any way of differentiating, against calculus."""

from __future__ import annotations

import pytest
import torch

from dgm_core import ConfigurationError, Setup, load_problem
from dgm_core.calculus import (
    Automatic,
    Differenced,
    FiniteDifferences,
    derivatives,
    derivatives_at,
    gradient,
    rademacher,
)
from dgm_core.networks import ACTIVATIONS, NETWORKS, build_network
from dgm_core.training import TrainConfig
from dgm_core.training.solution import Solution

torch.set_num_threads(1)


class Field:
    """(Σ i sin(x_i) + x_1² x_d², exp(−Σ x²)): closed forms for all below; counts its calls."""

    def __init__(self, pointwise=True):
        self.pointwise = pointwise
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        i = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        first = (i * torch.sin(x)).sum(-1, keepdim=True) + (x[..., :1] * x[..., -1:]) ** 2
        return torch.cat([first, torch.exp(-x.square().sum(-1, keepdim=True))], dim=-1)


def laplacian_of_first(x):
    d = x.shape[-1]
    i = torch.arange(1, d + 1, dtype=x.dtype)
    cross = 12 * x[..., :1] ** 2 if d == 1 else 2 * (x[..., :1] ** 2 + x[..., -1:] ** 2)
    return -(i * torch.sin(x)).sum(-1, keepdim=True) + cross


def laplacian_of_second(x):
    square = x.square().sum(-1, keepdim=True)
    return (4 * square - 2 * x.shape[-1]) * torch.exp(-square)


def points(d, n=6, seed=0):
    return torch.rand(2, n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def names(d):
    return [f"x{i}" for i in range(d)]


WAYS = {
    "lines": lambda x, d: Automatic(Field(), x, names(d)),
    "nested": lambda x, d: Automatic(Field(pointwise=False), x, names(d)),
    "differences": lambda x, d: FiniteDifferences(Field(), x, names(d), [1.0] * d),
}
TOLERANCE = {"lines": 1e-11, "nested": 1e-11, "differences": 2e-5}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("d", [1, 2, 3, 6, 20])
class TestEveryWay:
    def test_laplacian(self, way, d):
        x = points(d)
        y = WAYS[way](x, d)
        for output, expected in enumerate([laplacian_of_first(x), laplacian_of_second(x)]):
            found = y.laplacian(output=output)
            assert found.shape == (2, 6, 1)
            torch.testing.assert_close(found.detach(), expected, rtol=0, atol=TOLERANCE[way] * d)

    def test_directions(self, way, d):
        x, y = points(d), WAYS[way](points(d), d)
        v = torch.randn(2, 6, 4, d, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        x.requires_grad_()
        u = Field()(x)[..., 1:]
        for order in (1, 2):
            along = []
            for one in v.unbind(2):
                y_v = u
                for _ in range(order):
                    y_v = (gradient(y_v, x) * one).sum(-1, keepdim=True)
                along.append(y_v)
            found = y.directional(v, order, output=1)
            assert found.shape == (2, 6, 4)
            expected, tolerance = torch.cat(along, -1).detach(), 100 * TOLERANCE[way] * d
            torch.testing.assert_close(found.detach(), expected, rtol=1e-4, atol=tolerance)

    def test_gradient_and_mixed_derivatives(self, way, d):
        x, y = points(d), WAYS[way](points(d), d)
        value = torch.exp(-x.square().sum(-1, keepdim=True))
        torch.testing.assert_close(y.gradient(output=1).detach(), -2 * x * value, rtol=0, atol=TOLERANCE[way])
        if d > 1:
            mixed = y.d("x0", "x1", output=1)
            expected = 4 * x[..., :1] * x[..., 1:2] * value
            torch.testing.assert_close(mixed.detach(), expected, rtol=0, atol=TOLERANCE[way])


@pytest.mark.parametrize("way", WAYS)
def test_third_and_fourth_derivatives(way):
    """Of exp(−x²), Hermite's polynomials, and mixed ones of exp(−x² − y²), their products."""
    x, y = points(2), WAYS[way](points(2), 2)
    hermite = {1: -2 * x, 2: 4 * x**2 - 2, 3: -8 * x**3 + 12 * x, 4: 16 * x**4 - 48 * x**2 + 12}
    value = torch.exp(-x.square().sum(-1, keepdim=True))
    for along, across in ((3, 0), (4, 0), (2, 1), (1, 2), (3, 1), (2, 2)):
        path = ["x0"] * along + ["x1"] * across
        expected = hermite[along][..., :1] * value
        if across:
            expected = expected * hermite[across][..., 1:]
        found = y.d(*path, output=1).detach()
        torch.testing.assert_close(found, expected, rtol=0, atol=1e3 * TOLERANCE[way])


def test_time_is_left_out_of_space():
    x = points(2)
    y = Automatic(Field(), x, ("x", "t"))
    torch.testing.assert_close(y.laplacian(), y.d("x", "x"))
    torch.testing.assert_close(y.laplacian(axes=("x", "t")), y.d("x", "x") + y.d("t", "t"))
    assert y.gradient().shape == (2, 6, 2)


def test_divergence_and_bilaplacian():
    x = points(2)
    y = Automatic(Field(), x, ("x", "y"))
    torch.testing.assert_close(y.divergence(), y.d("x") + y.d("y", output=1))
    mixed = y.d("x", "x", "y", "y")
    expected = y.d("x", "x", "x", "x") + 2 * mixed + y.d("y", "y", "y", "y")
    torch.testing.assert_close(y.bilaplacian(), expected)
    torch.testing.assert_close(mixed.detach(), torch.full((2, 6, 1), 4.0, dtype=torch.float64))
    with pytest.raises(ConfigurationError, match="a divergence over 3 axes needs as many outputs"):
        Automatic(Field(), points(3), names(3)).divergence()


def test_an_estimate_in_fifty_dimensions_is_two_calls_and_two_passes(monkeypatch):
    from dgm_core.calculus import automatic

    passes = []
    own = automatic.gradient
    monkeypatch.setattr(automatic, "gradient", lambda y, x: passes.append(1) or own(y, x))
    field = Field()
    probes = rademacher(torch.rand(2, 6, 4, 50, dtype=torch.float64))
    Automatic(field, points(50), names(50)).laplacian(probes=probes)
    assert field.calls == 2
    assert len(passes) == 2


def test_probes_are_unbiased_and_their_variance_is_as_stated():
    d, m, draws = 5, 2, 20_000
    x = points(d, n=1)[:1]
    unit = torch.rand(1, draws, m, d, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    v = rademacher(unit)
    assert set(v.unique().tolist()) == {-1.0, 1.0}
    y = Automatic(Field(), x.expand(1, draws, d), names(d))
    estimate = y.laplacian(output=1, probes=v).detach()
    exact = laplacian_of_second(x).item()
    square = x.square().sum()
    hessian = (4 * x[0, 0][:, None] * x[0, 0][None] - 2 * torch.eye(d)) * torch.exp(-square)
    variance = 2 * (hessian.square().sum() - hessian.diagonal().square().sum()).item() / m
    assert estimate.var().item() == pytest.approx(variance, rel=0.05)
    assert estimate.mean().item() == pytest.approx(exact, abs=4 * (variance / draws) ** 0.5)


@pytest.mark.parametrize("network", NETWORKS.names())
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_directions_as_one_batch_and_one_by_one_agree_for_networks_and_their_weights(network, activation):
    d = 5
    config = TrainConfig(network=network, activation=activation, depth=2, width=8)
    u = build_network(config, d, 1, [0, 1]).double()
    x = points(d)
    found = []
    for pointwise in (True, False):
        u.pointwise = pointwise
        loss = Automatic(u, x, names(d)).directional(torch.eye(d).double()[None, None], 2).square().sum()
        if not loss.requires_grad:  # a network of ReLUs has none
            assert activation in ("relu", "leaky_relu")
            found.append([loss])
            continue
        found.append([loss, *torch.autograd.grad(loss, list(u.parameters()), allow_unused=True)])
    for one, other in zip(*found, strict=True):
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-9)


def test_rows_of_a_shared_call_have_the_same_operators():
    d, field = 5, Field()
    sets = {"a": points(d, 3), "b": points(d, 4, seed=5)}
    v = torch.randn(2, 4, 3, d, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    shared = derivatives_at(field, sets, names(d))["b"]
    alone = Automatic(Field(), sets["b"], names(d))
    torch.testing.assert_close(shared.laplacian(output=1), alone.laplacian(output=1))
    torch.testing.assert_close(shared.directional(v, 2, 1), alone.directional(v, 2, 1))
    torch.testing.assert_close(shared.gradient(), alone.gradient())


def test_differences_see_a_kink_that_automatic_derivatives_do_not():
    def kink(x):
        return torch.relu(x[..., :1] - 0.5)

    x = torch.linspace(0.4, 0.6, 101, dtype=torch.float64).view(1, -1, 1)
    assert not Automatic(kink, x, ("x",)).d("x", "x").any()
    assert FiniteDifferences(kink, x, ("x",), (1.0,)).d("x", "x").abs().max() > 50


def test_a_field_may_bring_its_own_derivatives():
    field = Differenced(Field(), (1.0, 1.0))
    x = points(2)
    assert isinstance(derivatives(field, x, ("x", "y")), FiniteDifferences)
    assert all(isinstance(y, FiniteDifferences) for y in derivatives_at(field, {"a": x}, ("x", "y")).values())
    assert isinstance(derivatives(Field(), x, ("x", "y")), Automatic)


def test_a_trained_field_is_pointwise_and_a_normalising_one_is_not():
    setup = Setup.named(load_problem("heat"), "paper")
    assert Solution(setup, [0]).piece(0).pointwise
    assert not Solution(setup.changed({"batch_norm": "before"}), [0]).piece(0).pointwise
