"""Activation functions and what each asks of the initial weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from dgm_core.errors import unknown


@dataclass(frozen=True)
class Activation:
    """An elementwise function, its recommended initialisation and that one's gain.

    Gains: tanh, relu and leaky_relu as `torch.nn.init.calculate_gain` has them; silu takes ReLU's,
    which it approaches; sigmoid and sin take 1 (sin is the identity near 0, where Xavier starts it).
    """

    function: Callable[[Tensor], Tensor]
    initialisation: str
    gain: float


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(torch.tanh, "xavier_uniform", 5.0 / 3.0),
    "sigmoid": Activation(torch.sigmoid, "xavier_uniform", 1.0),
    "sin": Activation(torch.sin, "xavier_uniform", 1.0),
    "relu": Activation(torch.relu, "kaiming_uniform", math.sqrt(2.0)),
    "leaky_relu": Activation(functional.leaky_relu, "kaiming_uniform", math.sqrt(2.0 / (1.0 + 0.01**2))),
    "silu": Activation(functional.silu, "kaiming_uniform", math.sqrt(2.0)),
}


def get_activation(name: str) -> Activation:
    """The activation called `name`.  Raises ConfigurationError with the allowed names."""
    if name not in ACTIVATIONS:
        raise unknown("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
