"""A network's parameters as one tensor (K, P): a row for each replicate."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FlatParameters:
    """Moves all parameters, and their gradients, into two contiguous (K, P) tensors.

    The network keeps working: its parameters become views.  Norms, clipping and the optimiser's
    update then are single operations per replicate, whatever the number of layers.
    """

    def __init__(self, network: nn.Module) -> None:
        self._views = list(network.parameters())
        replicates = self._views[0].shape[0]
        self.shapes = [tuple(p.shape[1:]) for p in self._views]
        """Those of the parameters, one after another in a row, without K."""
        sizes = [p[0].numel() for p in self._views]
        joined = torch.cat([p.detach().reshape(replicates, -1) for p in self._views], dim=1)
        self.values = nn.Parameter(joined)
        self.gradients = torch.zeros_like(joined)
        self.values.grad = self.gradients
        for parameter, value in zip(self._views, joined.split(sizes, dim=1), strict=True):
            parameter.data = value.view(parameter.shape)

    def backward(self, loss: Tensor) -> None:
        """Sets the gradients to those of a scalar loss."""
        pieces = torch.autograd.grad(loss, self._views, allow_unused=True, materialize_grads=True)
        replicates = len(self.gradients)
        torch.cat([piece.reshape(replicates, -1) for piece in pieces], dim=1, out=self.gradients)

    def clip(self, norm: float) -> None:
        """Scales each replicate's gradient to a 2-norm of at most `norm`."""
        length = self.gradients.norm(dim=1, keepdim=True)
        self.gradients.mul_((norm / length.clamp_min(1e-30)).clamp_max(1.0))
