"""The multi-layer perceptron with two gates."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgm_core.networks.base import Network, NetworkConfig
from dgm_core.networks.layers import LayerFactory


class ModifiedMLP(Network):
    """`depth` hidden layers of `width` units, each blended from two embeddings U and V of the inputs.

        U = σ(x W_u + b_u),   V = σ(x W_v + b_v),   H = σ(h W + b),   h' = H ⊙ U + (1 − H) ⊙ V

    The first h is x itself; linear output.  Where the inputs enter every layer, residuals keep larger
    gradients. Source: Wang, Teng and Perdikaris (2021), "Understanding and mitigating gradient flow
    pathologies in physics-informed neural networks", eqs. 43–47.
    """

    name = "modified-mlp"

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__(inputs, outputs, config, make)
        self.embeddings = make.hidden(inputs, config.width, parts=2)  # W_u W_v and their biases
        widths = [inputs] + [config.width] * (config.depth - 1)
        self.layers = nn.ModuleList(make.hidden(width, config.width) for width in widths)
        self.regularise = nn.Sequential(*make.after_activation())
        self.output = make.output(config.width, outputs)
        self.gate = make.function()
        self.functions = [make.function() for _ in self.layers]
        self.adaptive = nn.ModuleList(f for f in self.functions if isinstance(f, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        u, v = self.gate(self.embeddings(x)).chunk(2, dim=2)
        state = x
        for layer, function in zip(self.layers, self.functions, strict=True):
            h = function(layer(state))
            # h u + (1 − h) v, as v + h u − h v.
            state = self.regularise(torch.addcmul(torch.addcmul(v, h, u), h, v, value=-1.0))
        return self.output(state)
