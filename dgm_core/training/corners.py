"""What the solution looks like at corners that turn inwards, as inputs of the network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_core.formulation.domains.corners import Corner

_SMALL = 1e-24
"""Added to r², in the domain's own units of length squared: at the very corner slopes are infinite."""


class CornerFunctions(nn.Module):
    """r^λ sin λθ and r^λ cos λθ at every corner, λ = k π / ω for k = 1, …, `count`: (K, n, d) -> (K, n, m).

    ω is the corner's interior angle; θ, from 0 to ω, begins at one of its edges.  They are harmonic, and
    solutions of second order are made of them near a corner: of sines where the edges are held at a value, of
    cosines where their flux is given.  With ω above π the first has an infinite gradient, which no network
    that sees x and y alone can have.  Source: Grisvard (1985), "Elliptic Problems in Nonsmooth Domains"; in
    networks, as addends, Hu, Jin and Zhou (2024), "Solving Poisson Problems in Polygonal Domains with
    Singularity Enriched Physics Informed Neural Networks".
    """

    def __init__(self, corners: Sequence[Corner], count: int) -> None:
        super().__init__()
        self._corners = tuple(corners)
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        columns = []
        for corner in self._corners:
            (x0, y0), (c, s) = corner.place, corner.middle
            east, north = x[..., :1] - x0, x[..., 1:2] - y0
            along, across = c * east + s * north, c * north - s * east
            square = along * along + across * across + _SMALL
            # The cut, where this fails, halves what is missing of the full turn.
            angle = 2.0 * torch.atan(across / (along + torch.sqrt(square))) + 0.5 * corner.angle
            for k in range(1, self.count + 1):
                power = k * math.pi / corner.angle
                size = square ** (0.5 * power)
                columns += [size * torch.sin(power * angle), size * torch.cos(power * angle)]
        return torch.cat(columns, dim=-1)


def corner_inputs(corners: Sequence[Corner], count: int) -> int:
    """How many inputs they are."""
    return 2 * count * len(corners)
