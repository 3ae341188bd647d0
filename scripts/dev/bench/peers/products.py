"""The floor: only the matrix products of a training step of the heat equation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch

from dev.bench.comparison import Work

STREAMS = 4
"""Carried from layer to layer in the interior: u, u_x, u_t and u_xx."""
_SETS = 3
"""Sets of points whose values alone are needed: the start and both ends."""


def product_steps(depth: int, width: int, replicates: int, batch: int) -> Callable[[], Work]:
    """For each layer one product forward and two back (no derivative for the inputs), all streams in one."""

    def make() -> Work:
        rows = (STREAMS + _SETS) * batch
        layers = []
        for first, (fan_in, fan_out) in enumerate(pairwise([2, *[width] * depth, 1])):
            x, w, g = (
                torch.randn(replicates, *shape)
                for shape in ((rows, fan_in), (fan_in, fan_out), (rows, fan_out))
            )
            layers.append((x, w, g, [torch.empty_like(t) for t in (g, x, w)], first == 0))

        def work(iterations: int) -> None:
            with torch.no_grad():
                for _ in range(iterations):
                    for x, w, g, (of_output, of_input, of_weight), is_first in layers:
                        torch.bmm(x, w, out=of_output)
                        torch.bmm(x.mT, g, out=of_weight)
                        if not is_first:
                            torch.bmm(g, w.mT, out=of_input)

        return work

    return make
