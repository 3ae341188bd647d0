"""Where the conditions of a problem hold: how many at instants, and on each part of the boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core import Problem
from dgm_core.calculus import TIME
from dgm_core.formulation.regions import FixedNodes, Region
from dgm_core.formulation.scales import parts_of, wave
from dgm_core.formulation.terms import INTERIOR
from dgm_core.random_streams import stream

_POINTS = 256
_NEAR = 1e-6
"""Of the domain's least extent in space: what lies on a part."""


@dataclass(frozen=True)
class Covered:
    """How many conditions, components counted, hold at instants and on each part of the boundary.

    elsewhere: whether others hold inside the domain, or at single points: measured data for example.
    """

    at_instants: int
    by_part: Mapping[str, int]
    elsewhere: bool


def covered(problem: Problem) -> Covered:
    """Counts the conditions by where some of their points lie."""
    generator = stream(0, "preflight")
    points = {
        term: region.place(
            torch.rand(region.count(_POINTS), region.coordinates, generator=generator, dtype=torch.float64)
        )
        for term, region in problem.regions().items()
    }
    counts = _components(problem, points)
    extent = min((axis.upper - axis.lower for axis in problem.inputs if axis.in_space), default=0.0)
    parts = problem.domain.parts
    at_instants, by_part, elsewhere = 0, dict.fromkeys(parts, 0), False
    for term, region in problem.regions().items():
        if term == INTERIOR or term not in counts:
            continue
        x, placed = points[term], False
        in_time = problem.inputs[-1].name == TIME and _fills(region, len(problem.inputs) - 1)
        if in_time and bool((x[:, -1] == x[0, -1]).all()):
            at_instants, placed = at_instants + counts[term], True
        for name, part in parts.items():
            if _fills(region, part.coordinates) and bool((part.distance(x) <= _NEAR * extent).any()):
                by_part[name], placed = by_part[name] + counts[term], True
        elsewhere = elsewhere or not placed
    return Covered(at_instants, by_part, elsewhere)


def _fills(region: Region, dimensions: int) -> bool:
    """Whether a region has as many dimensions as what it is to cover; many nodes stand for any."""
    return region.coordinates >= dimensions or (isinstance(region, FixedNodes) and region.count(1) > 1)


def _components(problem: Problem, points: Mapping[str, Tensor]) -> dict[str, int]:
    count = len(problem.outputs)
    field = wave(problem.inputs, 1.0, 0.5)
    with torch.enable_grad():
        residuals = problem.residuals(
            lambda x: field(x).expand(*x.shape[:-1], count), {term: x[None] for term, x in points.items()}
        )
    return {term: parts_of(residual)[0].shape[-1] for term, residual in residuals.items()}
