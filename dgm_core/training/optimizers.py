"""Optimizers over one flat parameter tensor (K, P)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Make = Callable[..., torch.optim.Optimizer]
"""(parameter list, lr=learning rate) -> optimizer with the library's other defaults."""

OPTIMIZERS: dict[str, Make] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


def build_optimizer(
    name: str, parameters: nn.Parameter, learning_rate: float, weight_decay: float | None
) -> torch.optim.Optimizer:
    """The named optimizer; a `weight_decay` of None is the library's default."""
    given: dict[str, Any] = {} if weight_decay is None else {"weight_decay": weight_decay}
    return OPTIMIZERS[name]([parameters], lr=learning_rate, fused=True, **given)
