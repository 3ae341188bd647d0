"""Flat parameters, clipping, penalties, averages and optimizers, each per replicate."""

from __future__ import annotations

import pytest
import torch

from dgm_core import TrainConfig, Trainer, train
from dgm_core.networks import build_network
from dgm_core.training.averaging import MovingAverage
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.regularisation import Penalty


def network(**config):
    return build_network(TrainConfig(width=4, depth=2, **config), 2, 1, [1, 2])


def test_parameters_become_views_of_one_tensor():
    u = network()
    before = [p.detach().clone() for p in u.parameters()]
    flat = FlatParameters(u)
    assert flat.values.shape == (2, sum(p[0].numel() for p in before))
    assert all(torch.equal(p, old) for p, old in zip(u.parameters(), before, strict=True))
    with torch.no_grad():
        flat.values[1] = 7.0
    assert all(
        (p[1] == 7).all() and torch.equal(p[0], old[0]) for p, old in zip(u.parameters(), before, strict=True)
    )


def test_backward_is_autograd_s_gradient():
    u, same = network(), network()
    x = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    flat = FlatParameters(u)
    flat.backward(u(x).square().sum())
    same(x).square().sum().backward()
    expected = torch.cat([p.grad.reshape(2, -1) for p in same.parameters()], dim=1)
    torch.testing.assert_close(flat.gradients, expected)


def test_clipping_bounds_each_replicate_s_own_norm():
    flat = FlatParameters(network())
    generator = torch.Generator().manual_seed(0)
    flat.gradients[0] = torch.randn(flat.gradients.shape[1], generator=generator) * 100
    flat.gradients[1] = 1e-3
    before = flat.gradients.clone()
    flat.clip(1.0)
    assert flat.gradients[0].norm().item() == pytest.approx(1.0, rel=1e-5)
    torch.testing.assert_close(flat.gradients[0] * before[0].norm(), before[0])
    assert torch.equal(flat.gradients[1], before[1])


def test_clipping_a_zero_or_lost_gradient_harms_nobody():
    flat = FlatParameters(network())
    flat.gradients[0] = torch.nan
    flat.gradients[1] = 0.0
    flat.clip(1.0)
    assert not flat.gradients[1].any()


@pytest.mark.parametrize("name", ["mlp", "dgm", "resnet"])
def test_penalty_counts_weights_and_neither_biases_nor_normalisations(name):
    u = network(network=name, batch_norm="none" if name == "dgm" else "before")
    flat = FlatParameters(u)
    with torch.no_grad():
        for parameter in u.parameters():
            parameter.fill_(2.0)
    weights = sum(p[0].numel() for n, p in u.named_parameters() if n.endswith("weight") and p.shape[1] > 1)
    value = Penalty(u, l1=0.5, l2=0.25).value(flat.values)
    torch.testing.assert_close(value.detach(), torch.full((2,), weights * (0.5 * 2 + 0.25 * 4)))


def test_penalty_s_gradient_is_that_of_its_value():
    u = network()
    flat = FlatParameters(u)
    penalty = Penalty(u, l1=0.3, l2=0.7)
    expected = torch.autograd.grad(penalty.value(flat.values).sum(), flat.values)[0]
    torch.testing.assert_close(penalty.gradient(flat.values.detach()), expected)


@pytest.mark.parametrize("key", ["l1", "l2"])
def test_penalties_shrink_the_weights_and_are_no_part_of_the_recorded_loss(make_setup, key):
    plain = train(make_setup(), [1])
    shrunk = train(make_setup(**{key: 1.0}), [1])

    def size(result):
        return sum(v.abs().sum() for n, v in result.weights.items() if n.endswith("weight"))

    assert size(shrunk) < 0.75 * size(plain)
    assert torch.equal(plain.curves.losses[0], shrunk.curves.losses[0])


def test_moving_average_is_the_mean_first_and_exponential_after():
    average = MovingAverage(torch.full((1, 1), 99.0), decay=0.75)
    # The mean of one, two, three and four; then 0.75 · 4 + 0.25 · 0.
    for count, (value, expected) in enumerate([(1.0, 1.0), (2.0, 1.5), (6.0, 3.0), (7.0, 4.0), (0.0, 3.0)]):
        average.expect(count)
        average.update(torch.full((1, 1), value))
        assert average.values.item() == pytest.approx(expected)


def test_averaging_is_evaluated_and_leaves_the_training_alone(make_setup):
    plain, averaged = Trainer(make_setup(), [1, 2]), Trainer(make_setup(averaging=0.9), [1, 2])
    iterates = []
    for iteration in range(1, 6):
        plain.advance(iteration)
        averaged.advance(iteration)
        averaged.evaluate()
        iterates.append(plain.network.weights())
    assert torch.equal(plain.curves.losses, averaged.curves.losses)
    for name, value in averaged.result().weights.items():
        mean = torch.stack([weights[name] for weights in iterates]).mean(0)
        torch.testing.assert_close(value, mean, rtol=1e-4, atol=1e-6)
    assert not torch.equal(plain.predict(), averaged.predict())
