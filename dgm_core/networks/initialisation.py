"""Initial weights, drawn from one explicit generator a replicate.

Glorot and Bengio (2010) for Xavier, He et al. (2015) for Kaiming; limits and deviations as in
`torch.nn.init`, whose functions cannot draw a leading replicate axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dgm_core.errors import unknown

LAST_LAYERS = ("random", "least-squares")
"""Where the weights of the last layer start: as all others, or where the linearised residuals are least."""

Draw = Callable[[int, int, float, torch.Generator], Tensor]
"""(fan_in, fan_out, gain, generator) -> weights (fan_in, fan_out)."""


def _uniform(fan_in: int, fan_out: int, deviation: float, generator: torch.Generator) -> Tensor:
    unit = torch.rand(fan_in, fan_out, dtype=torch.float64, generator=generator)
    return (2.0 * unit - 1.0) * math.sqrt(3.0) * deviation


def _normal(fan_in: int, fan_out: int, deviation: float, generator: torch.Generator) -> Tensor:
    return torch.randn(fan_in, fan_out, dtype=torch.float64, generator=generator) * deviation


def _xavier(fan_in: int, fan_out: int, gain: float) -> float:
    return gain * math.sqrt(2.0 / (fan_in + fan_out))


def _kaiming(fan_in: int, fan_out: int, gain: float) -> float:
    return gain / math.sqrt(fan_in)


INITIALISATIONS: dict[str, Draw] = {
    "xavier_uniform": lambda i, o, gain, g: _uniform(i, o, _xavier(i, o, gain), g),
    "xavier_normal": lambda i, o, gain, g: _normal(i, o, _xavier(i, o, gain), g),
    "kaiming_uniform": lambda i, o, gain, g: _uniform(i, o, _kaiming(i, o, gain), g),
    "kaiming_normal": lambda i, o, gain, g: _normal(i, o, _kaiming(i, o, gain), g),
}


def draw_weights(
    name: str, fan_in: int, fan_out: int, gain: float, generators: Sequence[torch.Generator]
) -> Tensor:
    """Weights (K, fan_in, fan_out), float32; drawn in float64, so that the dtype is no part of a seed."""
    if name not in INITIALISATIONS:
        raise unknown("initialisation", name, INITIALISATIONS)
    draw = INITIALISATIONS[name]
    return torch.stack([draw(fan_in, fan_out, gain, generator) for generator in generators]).float()
