"""Layers whose parameters and statistics carry a leading replicate axis K."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_core.networks.activations import Activation
from dgm_core.networks.initialisation import draw_weights


class Linear(nn.Module):
    """K affine maps at once: (K, n, fan_in) -> (K, n, fan_out).  Biases start at zero."""

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        initialisation: str,
        gain: float,
        generators: Sequence[torch.Generator],
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(draw_weights(initialisation, fan_in, fan_out, gain, generators))
        self.bias = nn.Parameter(torch.zeros(len(generators), 1, fan_out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(x, self.weight)
        return torch.baddbmm(self.bias, x, self.weight)


class LayerFactory:
    """Makes a network's layers with one activation, initialisation and set of generators."""

    def __init__(
        self,
        activation: Activation,
        initialisation: str | None,
        gain: float | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        self.activation = activation
        self.initialisation = initialisation or activation.initialisation
        self.gain = activation.gain if gain is None else gain
        self.generators = list(generators)

    def hidden(self, fan_in: int, fan_out: int, *, bias: bool = True) -> Linear:
        """A layer followed by the activation."""
        return Linear(fan_in, fan_out, self.initialisation, self.gain, self.generators, bias=bias)

    def output(self, fan_in: int, fan_out: int, *, bias: bool = True) -> Linear:
        """A layer that nothing follows, of gain 1."""
        return Linear(fan_in, fan_out, self.initialisation, 1.0, self.generators, bias=bias)
