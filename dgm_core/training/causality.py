"""Causal weights over time."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNKS = 32
"""Equal intervals of time whose losses are accumulated; the source's choice."""


def causal_weights(squares: Tensor, time: Tensor, lower: float, upper: float, epsilon: float) -> Tensor:
    """exp(−ε Σ losses of the earlier intervals) at each point, (K, n), detached.

    A time-dependent solution is determined by its past, so late residuals count only once the
    earlier ones are small.  Source: Wang, Sankaran and Perdikaris, "Respecting causality is all you
    need for training physics-informed neural networks" (2022), eqs. 2.14 and 2.17.

    squares: squared residuals (K, n).  time: of each point (K, n), in [lower, upper].  An interval
    without a point counts as solved.
    """
    with torch.no_grad():
        position = (time - lower) / (upper - lower) * CHUNKS
        interval = position.long().clamp(0, CHUNKS - 1)
        sums = squares.new_zeros(len(squares), CHUNKS).scatter_add(1, interval, squares)
        counts = torch.zeros_like(sums).scatter_add(1, interval, torch.ones_like(squares))
        losses = sums / counts.clamp_min(1.0)
        earlier = torch.cat([torch.zeros_like(losses[:, :1]), losses[:, :-1].cumsum(1)], dim=1)
        return torch.exp(-epsilon * earlier).gather(1, interval)
