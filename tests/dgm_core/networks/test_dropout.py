"""Dropout: its share, its scale, its streams, and its one mask in values and derivatives."""

from __future__ import annotations

import pytest
import torch

from dgm_core import ConfigurationError
from dgm_core.networks import NETWORKS, build_network
from dgm_core.networks.layers import Dropout
from dgm_core.training import TrainConfig


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_share_and_scale():
    y = Dropout(0.25, generators(0, 1))(torch.ones(2, 200, 50))
    assert y.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    for replicate in y:
        assert (replicate == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)


def test_replicates_draw_their_own_masks():
    x = torch.ones(2, 10, 10)
    pair = Dropout(0.5, generators(3, 4))(x)
    assert torch.equal(pair[1], Dropout(0.5, generators(4))(x[:1])[0])
    assert not torch.equal(pair[0], pair[1])


def test_dtype_is_no_part_of_the_mask():
    x = torch.ones(1, 10, 10)
    single, double = Dropout(0.5, generators(3))(x), Dropout(0.5, generators(3))(x.double())
    assert torch.equal(single.double(), double)


@pytest.mark.parametrize("network", NETWORKS.names())
def test_every_network_has_it_in_training_alone(network):
    x = torch.randn(1, 6, 2, generator=torch.Generator().manual_seed(0))
    u = build_network(TrainConfig(network=network, width=8, dropout=0.5), 2, 1, [0])
    plain = build_network(TrainConfig(network=network, width=8), 2, 1, [0])
    assert not torch.equal(u(x), u(x))
    u.eval()
    assert torch.equal(u(x), plain(x))


def test_a_derivative_sees_the_mask_of_its_values():
    u = build_network(TrainConfig(width=8, depth=2, activation="relu", gain=1.0, dropout=0.5), 1, 1, [0])
    x = torch.rand(1, 20, 1, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = u(x)
    gradient = torch.autograd.grad(y.sum(), x)[0]
    # Without biases a ReLU network is homogeneous of degree one: u(x) = x u'(x), mask by mask.
    torch.testing.assert_close(y, x * gradient)


@pytest.mark.parametrize("value", [1.0, -0.1])
def test_a_share_of_all_or_less_than_none_is_refused(value):
    with pytest.raises(ConfigurationError, match="dropout"):
        TrainConfig.create({"dropout": value})
