"""Optimizers over one flat parameter tensor (K, P)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

Make = Callable[[nn.Parameter, float], torch.optim.Optimizer]
"""(parameters, learning rate) -> optimizer with the library's other defaults."""

OPTIMIZERS: dict[str, Make] = {
    "adam": lambda p, rate: torch.optim.Adam([p], lr=rate, fused=True),
    "adamw": lambda p, rate: torch.optim.AdamW([p], lr=rate, fused=True),
    "sgd": lambda p, rate: torch.optim.SGD([p], lr=rate, fused=True),
}
