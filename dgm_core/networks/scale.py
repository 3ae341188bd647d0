"""Trained factors on the units of a layer."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn


class LayerTaps(Protocol):
    """What takes layers over to see what goes in and comes out (see `dgm_core.calculus.taps`)."""

    def linear(self, x: Any, weight: Tensor, bias: Tensor | None) -> Any:
        """x W + b."""

    def scale(self, x: Any, parameter: Tensor, factor: Tensor, slope: Tensor, bias: Tensor | None) -> Any:
        """x · factor + b, where the factor is a function of the parameter, with that slope."""


class Scale(nn.Module):
    """x · times · p, or x · exp(p): (K, n, W) -> (K, n, W), with p (K, 1, W), or (K, 1, 1) for all units."""

    def __init__(self, start: Tensor, *, times: float = 1.0, exponential: bool = False) -> None:
        super().__init__()
        self.parameter = nn.Parameter(start)
        self.times = times
        self.exponential = exponential
        self.tap: LayerTaps | None = None

    @property
    def factor(self) -> Tensor:
        """(K, 1, W) or (K, 1, 1)."""
        if self.exponential:
            return torch.exp(self.parameter)
        return self.parameter if self.times == 1.0 else self.times * self.parameter

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        factor = self.factor
        if self.tap is not None:
            slope = factor if self.exponential else torch.full_like(factor, self.times)
            scaled: Tensor = self.tap.scale(x, self.parameter, factor, slope, bias)
            return scaled
        return x * factor if bias is None else x * factor + bias
