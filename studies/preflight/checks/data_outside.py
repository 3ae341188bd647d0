"""Measured data at points outside the domain, by other units or a wrong column."""

from __future__ import annotations

from collections.abc import Iterator

from dgm_core.formulation.conditions import Measured
from dgm_core.formulation.references import within
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question
from studies.records.words import agree, share


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    for term, (_, held) in problem.resolved_conditions.items():
        if not isinstance(held, Measured):
            continue
        points = held.table.points
        outside = int((~within(problem.domain, points)).sum())
        if outside:
            yield (
                "warning",
                f"{share(outside, len(points), 'point')} of the data {term!r} "
                f"{agree(outside, 'lies', 'lie')} outside the domain of {problem.name}.",
                "The equation is not trained there, and the error there is not measured.",
                "Check units and columns; `table.inside(self.domain)` leaves such points out.",
            )


DATA_OUTSIDE = Check("data-outside", "measured data outside the domain", _examine)
