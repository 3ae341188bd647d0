"""Where the conditions of a problem hold: how many at instants, and on each part of the boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core import Problem
from dgm_core.calculus import TIME, Field
from dgm_core.formulation.domains import Part
from dgm_core.formulation.regions import FixedNodes, Region
from dgm_core.formulation.scales import parts_of, wave
from dgm_core.formulation.terms import INTERIOR
from dgm_core.random_streams import stream

_POINTS = 256
_NEAR = 1e-6
"""Of the domain's least extent in space: what lies on a part."""
_FEW = 8
_SAME = 1e-6
"""Relative change of a condition's residual beside another's that is rounding: one of them is the other."""


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
    at_instants, elsewhere = 0, False
    on_part: dict[str, list[str]] = {name: [] for name in parts}
    for term, region in problem.regions().items():
        if term == INTERIOR or term not in counts:
            continue
        x, placed = points[term], False
        in_time = problem.inputs[-1].name == TIME and _fills(region, len(problem.inputs) - 1)
        if in_time and bool((x[:, -1] == x[0, -1]).all()):
            at_instants, placed = at_instants + counts[term], True
        for name, part in parts.items():
            if _fills(region, part.coordinates) and bool((part.distance(x) <= _NEAR * extent).any()):
                on_part[name].append(term)
                placed = True
        elsewhere = elsewhere or not placed
    by_part = {name: _different(problem, parts[name], terms, counts) for name, terms in on_part.items()}
    return Covered(at_instants, by_part, elsewhere)


def _different(problem: Problem, part: Part, terms: list[str], counts: Mapping[str, int]) -> int:
    """How many conditions the terms are on a part.

    The same one written twice, for two faces as was meant or for two halves of one, is one.
    """
    regions = problem.regions()
    total = sum(counts[term] for term in terms)
    if total < 2 or any(isinstance(regions[term], FixedNodes) for term in terms):
        return total
    unit = torch.rand(_FEW, part.coordinates, generator=stream(0, "preflight"), dtype=torch.float64)
    x = part.place(unit)[None]
    points = dict.fromkeys(terms, x) | {INTERIOR: x}
    changes = []
    for number in range(2 * total + 1):
        with torch.enable_grad():
            sizes = [problem.residuals(_waves(problem, number, by), points) for by in (1.0, 1.001)]
        first, second = (
            torch.cat([parts_of(each[term])[0].detach().double() for term in terms], dim=-1) for each in sizes
        )
        changes.append((second - first).flatten(0, 1))
    columns = torch.cat(changes)  # (fields · points, components)
    if not columns.isfinite().all():
        return total
    columns = columns / columns.norm(dim=0).clamp_min(1e-300)
    known = torch.linalg.svdvals(columns)
    return int((known > _SAME * known[0]).sum())


def _waves(problem: Problem, number: int, size: float) -> Field:
    """A field of its own for each number."""

    def waves(x: Tensor) -> Tensor:
        phases = [0.5 + 0.9 * number + 0.7 * i for i in range(len(problem.outputs))]
        return size * torch.cat(
            [wave(problem.inputs, 1.0 + 0.4 * number, phase)(x) for phase in phases], dim=-1
        )

    return waves


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
