"""The feed-forward network of the paper."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from dgm_core.networks.base import NETWORKS, Network, NetworkConfig
from dgm_core.networks.layers import LayerFactory


@NETWORKS.register("mlp")
class MLP(Network):
    """Multi-layer perceptron: `depth` hidden layers of `width` units, linear output.

    The paper counts `num_layers` after the input layer's own, so its `num_layers` is depth − 1:
    its heat network 2→32→32→32→1 has depth 3.  Source: Detorakis, A Primer, listing 1.
    """

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__(inputs, outputs, config, make)
        widths = [inputs] + [config.width] * config.depth
        self.hidden = nn.ModuleList(make.hidden(a, b) for a, b in pairwise(widths))
        self.output = make.output(config.width, outputs)
        self.activation = make.activation.function

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.output(x)
