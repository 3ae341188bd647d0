"""The fixed points on which a solution is measured, which training never chooses."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.formulation.domains import Box, Domain
from dgm_core.formulation.quadrature import sobol_set
from dgm_core.formulation.regions import Region
from dgm_core.random_streams import stream

GRID_DIMENSIONS = 2
SOBOL_POINTS = 4096
"""A power of two, as the sequence likes it; as many as a fine grid in two dimensions has."""


def evaluation_set(domain: Domain, resolution: int) -> Tensor:
    """Points (N, d), float64: a grid of `resolution` nodes along each axis in one and two dimensions.

    Of a domain that is no box, those of its bounding box's nodes that it contains.  In more dimensions
    than a grid can hold, 4096 points of the Sobol sequence.
    """
    if len(domain.axes) > GRID_DIMENSIONS:
        return sobol_points(domain.interior, SOBOL_POINTS)
    lines = [torch.linspace(a.lower, a.upper, resolution, dtype=torch.float64) for a in domain.axes]
    grid = torch.cartesian_prod(*lines).reshape(-1, len(lines))
    return grid if isinstance(domain, Box) else grid[domain.contains(grid)]


def sobol_points(region: Region, count: int) -> Tensor:
    """(N, d) float64, evenly spread over a region, the same at every call; N = 1 or fixed where nothing
    is drawn."""

    def sampler(batches: int, n: int, m: int, generator: torch.Generator) -> Tensor:
        # Half a cell away from the corner, where the sequence starts.
        return ((sobol_set(n, m) + 0.5 / n) % 1.0).expand(batches, n, m)

    drawn = region.count(count) if not region.coordinates else count
    return region.draw(sampler, 1, drawn, stream(0, "evaluation"))[0]
