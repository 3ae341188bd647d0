"""Batch normalisation: as torch's, for each replicate, and what it does to derivatives."""

from __future__ import annotations

import pytest
import torch

from dgm_core.calculus import Automatic
from dgm_core.networks import build_network
from dgm_core.networks.layers import BatchNorm
from dgm_core.problems import load_problem
from dgm_core.training import TrainConfig


def batch(replicates=3, n=8, width=4, seed=0) -> torch.Tensor:
    return 2.0 + 3.0 * torch.randn(replicates, n, width, generator=torch.Generator().manual_seed(seed))


def test_each_replicate_is_torch_s_batch_norm():
    ours = BatchNorm(3, 4)
    theirs = [torch.nn.BatchNorm1d(4) for _ in range(3)]
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        for k, module in enumerate(theirs):
            module.weight.copy_(ours.weight[k, 0])
            module.bias.copy_(ours.bias[k, 0])
    for step in range(3):
        x = batch(seed=step)
        expected = torch.stack([module(x[k]) for k, module in enumerate(theirs)])
        torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-5)
    for k, module in enumerate(theirs):
        torch.testing.assert_close(ours.running_mean[k, 0], module.running_mean)
        torch.testing.assert_close(ours.running_variance[k, 0], module.running_var)
    ours.eval()
    expected = torch.stack([module.eval()(x[k]) for k, module in enumerate(theirs)])
    torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-5)


def test_evaluation_mode_leaves_the_statistics():
    norm = BatchNorm(2, 4).eval()
    norm(batch(2))
    assert not norm.running_mean.any()
    assert torch.equal(norm.running_variance, torch.ones_like(norm.running_variance))


def test_one_point_uses_the_running_statistics_and_leaves_them():
    norm = BatchNorm(2, 4)
    norm(batch(2))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    x = batch(2, n=1, seed=5)
    y = norm(x)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    torch.testing.assert_close(y, norm.eval()(x))
    assert not torch.equal(y, norm(x + 1.0))  # a constant otherwise, whatever the point


def network(batch_norm: str, depth: int = 2):
    config = TrainConfig(width=5, depth=depth, batch_norm=batch_norm)
    u = build_network(config, 1, 1, [0, 1]).double()
    for seed in range(5):  # move the running statistics away from 0 and 1
        u(batch(2, width=1, seed=seed).double())
    return u


def centred_difference(u, x: torch.Tensor, i: int, own: bool, h: float = 1e-6) -> torch.Tensor:
    """(K,): of the sum of the batch's outputs, or of output i alone, as point i moves."""

    def value(step: float) -> torch.Tensor:
        moved = x.clone()
        moved[:, i] += step
        with torch.no_grad():
            y = u(moved)
        return y[:, i, 0] if own else y.sum(dim=(1, 2))

    return (value(h) - value(-h)) / (2 * h)


def test_batch_statistics_give_the_derivative_of_the_batch_s_sum():
    u = network("before")
    x = batch(2, n=6, width=1, seed=9).double()
    derivative = Automatic(u, x, ["t"]).d("t")[..., 0]
    for i in range(6):
        torch.testing.assert_close(
            derivative[:, i], centred_difference(u, x, i, own=False), rtol=1e-5, atol=1e-8
        )
        assert (derivative[:, i] - centred_difference(u, x, i, own=True)).abs().max() > 1e-3


def test_it_is_not_the_derivative_of_the_function_that_is_evaluated():
    u = network("before")
    x = batch(2, n=6, width=1, seed=9).double()
    training = Automatic(u, x, ["t"]).d("t")
    u.eval()
    evaluated = Automatic(u, x, ["t"]).d("t")[..., 0]
    assert (training[..., 0] - evaluated).abs().max() > 1e-3
    for i in range(6):  # which is pointwise
        torch.testing.assert_close(
            evaluated[:, i], centred_difference(u, x, i, own=True), rtol=1e-5, atol=1e-8
        )


def test_a_change_of_one_point_moves_the_outputs_of_others():
    u = network("before")
    x = batch(2, n=6, width=1, seed=9).double()
    moved = x.clone()
    moved[:, 0] += 1.0
    assert ((u(moved) - u(x))[:, 1:].abs() > 1e-6).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_normalising_after_the_activation_makes_every_interior_residual_vanish(seed):
    """u_t − u_xx of the heat equation, for any weights: a loss that solves nothing."""
    u = build_network(TrainConfig(batch_norm="after"), 2, 1, [seed]).double()
    heat = load_problem("heat")
    x = torch.rand(1, 16, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    points = dict.fromkeys(heat.regions(), x)
    assert heat.residuals(u, points)["interior"].abs().max() < 1e-10
    assert heat.residuals(u.eval(), points)["interior"].abs().max() > 1e-3
