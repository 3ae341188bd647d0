"""Two conditions that prescribe the same where both hold, with different data: no field satisfies both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import torch
from torch import Tensor

from dgm_core import Problem
from dgm_core.calculus import TIME
from dgm_core.calculus.precision import precision
from dgm_core.formulation.conditions import Measured, Periodic
from dgm_core.formulation.domains import Part
from dgm_core.formulation.regions import Region
from dgm_core.formulation.scales import parts_of, wave
from dgm_core.formulation.terms import INTERIOR
from dgm_core.random_streams import stream
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_POINTS = 256
_SHARED = 8
"""Of the points of one part that lie on another where the two have more than an edge in common."""
_NEAR = 1e-9
"""Of the domain's least extent: what lies on a part."""
_SAME = 1e-6
"""Relative difference that is rounding."""


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    if not problem.well_posed or problem.reference_kind in ("exact", "numerical"):
        return  # a reference satisfies them all
    parts = {
        term: region
        for term, (region, held) in problem.resolved_conditions.items()
        if isinstance(region, Part) and not isinstance(held, Periodic | Measured)
    }
    for first, second in combinations(parts, 2):
        shared = _shared(problem, parts[first], parts[second])
        if shared is not None and _contradict(problem, first, second, shared):
            in_time = problem.inputs[-1].name == TIME and bool((shared[:, -1] == shared[0, -1]).all())
            velocity = "a velocity at the start is InitialVelocity(…); " if in_time else ""
            yield (
                "warning",
                f"The conditions {first!r} and {second!r} of {problem.name} contradict each other: at the "
                "same points they prescribe the same quantity with different data.",
                "No field satisfies both, and a training ends between them.",
                f"Keep one of them, or check where they hold; {velocity}`well_posed = False` in the class "
                "says that this is intended.",
            )
            return


def _shared(problem: Problem, first: Part, second: Part) -> Tensor | None:
    """Points (n, d) of one part that lie on the other; None where they have an edge in common, or nothing."""
    near = _NEAR * min(axis.upper - axis.lower for axis in problem.inputs)
    for one, other in ((first, second), (second, first)):
        x = _placed(one)
        x = x[other.distance(x) <= near]
        if len(x) >= min(_SHARED, one.count(_POINTS)):
            return x
    return None


def _placed(region: Region) -> Tensor:
    unit = torch.rand(
        region.count(_POINTS),
        region.coordinates,
        generator=stream(0, "preflight"),
        dtype=torch.float64,
    )
    return region.place(unit)


def _contradict(problem: Problem, first: str, second: str, x: Tensor) -> bool:
    """Whether two residuals differ by the same for any field, and not by zero."""
    one, other = (_residuals(problem, first, second, x, number) for number in (0, 1))
    apart, again = (a[..., :, None] - b[..., None, :] for a, b in (one, other))  # each component with each
    size = torch.stack([part.abs().amax() for part in (*one, *other)]).amax()
    alike = (apart - again).abs().amax(dim=0) <= _SAME * size
    moved = (one[0] - other[0]).abs().amax(dim=0)[:, None] > _SAME * size
    return bool((alike & moved & (apart.abs().amax(dim=0) > _SAME * size)).any())


def _residuals(problem: Problem, first: str, second: str, x: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Those of two terms at points (n, d) for one of several fields, (n, c) each."""

    def field(at: Tensor) -> Tensor:
        phases = [0.5 + 0.9 * number + 0.7 * i for i in range(len(problem.outputs))]
        return torch.cat([wave(problem.inputs, 1.0 + 0.4 * number, phase)(at) for phase in phases], dim=-1)

    points = dict.fromkeys((INTERIOR, first, second), x[None])
    with torch.enable_grad(), precision(torch.float64):
        residuals = problem.accurate().residuals(field, points)
    first_of, second_of = (parts_of(residuals[term])[0][0].detach().double() for term in (first, second))
    return first_of, second_of


CONTRADICTING_CONDITIONS = Check(
    "contradicting-conditions", "conditions of which no field satisfies both", _examine
)
