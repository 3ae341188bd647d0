"""A face of the domain on which no condition has points."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dgm_core.calculus import TIME
from dgm_core.formulation.conditions import Cauchy
from dgm_core.formulation.terms import INTERIOR
from dgm_core.random_streams import stream
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_POINTS = 256
_NEAR = 1e-6
"""Of the domain's extent: what lies on a face."""


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    orders = question.orders
    if not orders:
        return
    second = any(order >= 2 for axis, order in orders.items() if axis != TIME)
    parts = problem.domain.parts
    conditions = {term: region for term, region in problem.regions().items() if term != INTERIOR}
    if not second or not parts or problem.periodic:
        return  # of first order, some faces need none: those where what is carried leaves
    if any(isinstance(held, Cauchy) for _, held in problem.conditions.values()):
        return  # two conditions on one part stand in for none on another
    generator = stream(0, "preflight")
    points = [
        region.place(torch.rand(_POINTS, region.coordinates, generator=generator, dtype=torch.float64))
        for region in conditions.values()
    ]
    known = torch.cat(points) if points else torch.empty(0, len(problem.inputs), dtype=torch.float64)
    extent = max(axis.upper - axis.lower for axis in problem.inputs)
    for name, part in parts.items():
        if not len(known) or bool((part.distance(known) > _NEAR * extent).all()):
            yield (
                "warning",
                f"No condition has points on the part {name!r} of the domain's boundary.",
                "The equation has second derivatives in space: without a condition on each part of the "
                "boundary it has many solutions, and the loss does not tell them apart.",
                f"Add a condition on domain.parts[{name!r}], or check where the others lie.",
            )


UNCOVERED_FACES = Check("uncovered-faces", "a part of the boundary without a condition", _examine)
