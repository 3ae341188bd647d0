"""A moving average of the weights."""

from __future__ import annotations

import torch
from torch import Tensor


class MovingAverage:
    """The average of each iterate (K, P), exponential with a given decay.

    The plain mean of all iterates while they are fewer than 1 / (1 − decay), so that the initial
    weights do not linger.  Running statistics of batch normalisation, averages themselves, stay as
    they are.  Source: Polyak and Juditsky (1992); exponential as in Kingma and Ba (2015), section 7.2.
    """

    def __init__(self, parameters: Tensor, decay: float) -> None:
        self.decay = decay
        self.values = parameters.detach().clone()
        self._share = torch.ones((), device=parameters.device)

    def expect(self, count: int) -> None:
        """Sets the share of the next iterate, the `count`th since the start (from 0)."""
        self._share.fill_(1.0 - min(self.decay, count / (count + 1)))

    def update(self, parameters: Tensor) -> None:
        """Takes in that iterate."""
        self.values.lerp_(parameters.detach(), self._share)

    def swap(self, parameters: Tensor) -> None:
        """Exchanges the parameters with their average, in place; a second call undoes it."""
        with torch.no_grad():
            present = parameters.detach().clone()
            parameters.copy_(self.values)
            self.values.copy_(present)
