"""Penalties on the size of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgm_core.networks.layers import Linear


class Penalty:
    """l1 Σ|w| + l2 Σw² over each replicate's weights, not its biases nor its normalisations.

    It enters the gradient and not the recorded losses, which stay comparable between settings.
    Source: Detorakis, A Primer, section 3.5.2.
    """

    def __init__(self, network: nn.Module, l1: float, l2: float) -> None:
        weights = {id(module.weight) for module in network.modules() if isinstance(module, Linear)}
        counted = [torch.full_like(p.detach()[0].flatten(), id(p) in weights) for p in network.parameters()]
        self._counted = torch.cat(counted)  # (P,): 1 for a weight, 0 for others
        self.l1 = l1
        self.l2 = l2

    def value(self, parameters: Tensor) -> Tensor:
        """Of parameters (K, P), (K,)."""
        counted = parameters * self._counted
        return self.l1 * counted.abs().sum(1) + self.l2 * counted.square().sum(1)

    def gradient(self, parameters: Tensor) -> Tensor:
        """Its gradient with respect to parameters (K, P), in their shape."""
        return self._counted * (self.l1 * parameters.sign() + 2.0 * self.l2 * parameters)
