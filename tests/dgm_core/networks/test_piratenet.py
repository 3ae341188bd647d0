"""Adaptive residual blocks."""

from __future__ import annotations

import pytest
import torch

from dgm_core import TrainConfig
from dgm_core.networks import build_network


@pytest.mark.parametrize("inputs", [2, 6])
def test_at_first_it_is_linear_in_its_embedding(inputs):
    """Of inputs that are as many as units it is the embedding itself."""
    network = build_network(TrainConfig(network="piratenet", width=6, depth=2), inputs, 1, [1, 2])
    x = torch.randn(2, 5, inputs, generator=torch.Generator().manual_seed(0))
    embedded = x if inputs == 6 else torch.tanh(network.first(x))
    torch.testing.assert_close(network(x), network.output(embedded))


def test_a_block_leaves_the_identity_as_far_as_its_share_says():
    network = build_network(TrainConfig(network="piratenet", width=6, depth=1), 2, 1, [1])
    (block,) = network.blocks
    block.share.parameter.data.fill_(0.25)
    x = torch.tanh(network.first(torch.randn(1, 5, 2, generator=torch.Generator().manual_seed(0))))
    u, v = torch.tanh(network.embeddings(x)).chunk(2, dim=2)
    state = x
    for layer in block.gated:
        f = torch.tanh(layer(state))
        state = f * u + (1 - f) * v
    h = torch.tanh(block.last(state))
    torch.testing.assert_close(block(x, u, v), 0.25 * h + 0.75 * x)
