"""Maps from a problem's inputs to a network's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_core.problems import Axis

INPUT_SCALINGS = ("none", "unit")
"""The inputs as they are, or each axis of the domain (of the time window) mapped to [−1, 1]."""


class UnitScaling(nn.Module):
    """Each axis [lower, upper] to [−1, 1]: (..., d) -> (..., d).

    Activations bend within a few units of zero, so an axis such as t in [0, 30] otherwise starts
    out with nearly all its points where they are flat (LeCun et al. 1998, section 4.3).
    """

    centre: Tensor
    half_width: Tensor

    def __init__(self, axes: Sequence[Axis]) -> None:
        super().__init__()
        centre = torch.tensor([(axis.lower + axis.upper) / 2 for axis in axes])
        half_width = torch.tensor([(axis.upper - axis.lower) / 2 for axis in axes])
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("half_width", half_width, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.half_width
