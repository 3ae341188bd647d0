"""Residual blocks that begin as the identity and train how far they leave it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgm_core.networks.base import Network, NetworkConfig
from dgm_core.networks.layers import LayerFactory
from dgm_core.networks.scale import Scale


class PirateBlock(nn.Module):
    """x' = x + α (h − x) with h = σ(z₂ W₃ + b₃), behind two gated layers.

    z₁ = f ⊙ U + (1 − f) ⊙ V with f = σ(x W₁ + b₁), and z₂ the same from z₁ and W₂; α starts at 0.
    """

    def __init__(self, width: int, make: LayerFactory) -> None:
        super().__init__()
        self.gated = nn.ModuleList(make.hidden(width, width) for _ in range(2))
        self.last = make.hidden(width, width)
        self.functions = [make.function() for _ in range(3)]
        self.adaptive = nn.ModuleList(f for f in self.functions if isinstance(f, nn.Module))
        self.share = Scale(torch.zeros(len(make.generators), 1, 1))
        self.regularise = nn.Sequential(*make.after_activation())

    def forward(self, x: Tensor, u: Tensor, v: Tensor) -> Tensor:
        state = x
        for layer, function in zip(self.gated, self.functions[:2], strict=True):
            f = function(layer(state))
            # f u + (1 − f) v, as v + f u − f v.
            state = torch.addcmul(torch.addcmul(v, f, u), f, v, value=-1.0)
        h = self.functions[2](self.last(state))
        return self.regularise(x + self.share(h - x))


class PirateNet(Network):
    """`depth` adaptive residual blocks of `width` units, gated by two embeddings of the inputs.

        Φ = σ(x W + b),   U = σ(Φ W_u + b_u),   V = σ(Φ W_v + b_v)

    Each block's share α is trained and starts at 0: at first the network is linear in Φ, and it deepens as
    the training asks for it.  Linear output.  Where there are as many inputs as units, as of Fourier
    features, they are Φ themselves, as in the source.  Source: Wang, Li, Chen and Perdikaris (2024),
    "PirateNets: physics-informed deep learning with residual adaptive networks", section 4; its
    initialisation by least squares is the setting `last_layer`.
    """

    name = "piratenet"

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__(inputs, outputs, config, make)
        width = config.width
        self.first = None if inputs == width else make.hidden(inputs, width)
        self.function = None if inputs == width else make.function()
        self.embeddings = make.hidden(width, width, parts=2)  # W_u W_v and their biases
        self.gate = make.function()
        self.blocks = nn.ModuleList(PirateBlock(width, make) for _ in range(config.depth))
        self.output = make.output(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.first is not None and self.function is not None:
            x = self.function(self.first(x))
        u, v = self.gate(self.embeddings(x)).chunk(2, dim=2)
        for block in self.blocks:
            x = block(x, u, v)
        return self.output(x)
