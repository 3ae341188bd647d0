"""The two gates of the modified multi-layer perceptron."""

from __future__ import annotations

import torch

from dgm_core import TrainConfig
from dgm_core.networks import build_network


def test_a_layer_blends_both_embeddings_by_its_own_value():
    config = TrainConfig.create({"network": "modified-mlp", "depth": 2, "width": 4})
    network = build_network(config, 2, 1, [3])
    x = torch.randn(1, 5, 2, generator=torch.Generator().manual_seed(0))
    u, v = torch.tanh(network.embeddings(x)).chunk(2, dim=2)
    state = x
    for layer in network.layers:
        h = torch.tanh(layer(state))
        state = h * u + (1 - h) * v
    torch.testing.assert_close(network(x), network.output(state))
