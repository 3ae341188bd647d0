"""The gated network of the Deep Galerkin method."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgm_core.networks.base import Network, NetworkConfig
from dgm_core.networks.layers import LayerFactory


class DGMLayer(nn.Module):
    """One gated layer; every gate sees the network's input x as well as the state S.

    Z = σ(x U_z + S W_z + b_z),   G = σ(x U_g + S W_g + b_g),   R = σ(x U_r + S W_r + b_r)
    H = σ(x U_h + (S ⊙ R) W_h + b_h),   S' = (1 − G) ⊙ H + Z ⊙ S
    """

    def __init__(self, inputs: int, width: int, make: LayerFactory) -> None:
        super().__init__()
        self.of_gates = make.hidden(inputs, width, parts=3)  # U_z U_g U_r and the biases
        self.of_candidate = make.hidden(inputs, width)  # U_h and its bias
        self.gates = make.hidden(width, width, parts=3, bias=False)  # W_z W_g W_r
        self.candidate = make.hidden(width, width, bias=False)  # W_h
        self.gate = make.function()
        self.function = make.function()
        self.regularise = nn.Sequential(*make.after_activation())

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        z, g, r = self.gate(self.of_gates.beside(x, self.gates, state)).chunk(3, dim=2)
        h = self.function(self.of_candidate.beside(x, self.candidate, state * r))
        # (1 − g) h + z s, with two passes over memory fewer.
        return self.regularise(torch.addcmul(torch.addcmul(h, g, h, value=-1.0), z, state))


class DGM(Network):
    """`depth` gated layers of `width` units after a first S = σ(x W + b), linear output.

    The configured activation is that of every gate and layer.
    Source: Sirignano and Spiliopoulos (2018), section 4.2; Detorakis, A Primer, eq. 1.
    """

    def __init__(self, inputs: int, outputs: int, config: NetworkConfig, make: LayerFactory) -> None:
        super().__init__(inputs, outputs, config, make)
        self.first = make.hidden(inputs, config.width)
        self.layers = nn.ModuleList(DGMLayer(inputs, config.width, make) for _ in range(config.depth))
        self.output = make.output(config.width, outputs)
        self.function = make.function()

    def forward(self, x: Tensor) -> Tensor:
        state = self.function(self.first(x))
        for layer in self.layers:
            state = layer(x, state)
        return self.output(state)
