"""Fewer equations than unknowns: one may be any function, and the others follow it."""

from __future__ import annotations

from collections.abc import Iterator

from dgm_core.errors import counted
from dgm_core.formulation.conditions import Holds, Measured
from dgm_core.formulation.scales import scales_of
from dgm_core.formulation.terms import INTERIOR
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    unknowns = len(problem.outputs)
    if unknowns == 1 or not problem.well_posed or not question.orders:
        return
    if any(isinstance(held, Holds | Measured) for _, held in problem.resolved_conditions.values()):
        return  # which may stand in for an equation
    equations = len(scales_of(problem).terms[INTERIOR])
    if equations < unknowns:
        yield (
            "warning",
            f"{problem.name} has {counted(unknowns, 'output')} and {counted(equations, 'equation')}.",
            "Fewer equations than unknowns have many solutions, and the loss cannot tell them apart.",
            "Return a residual for each equation, as in `return first, second`; "
            "`well_posed = False` in the class says that this is intended.",
        )


MISSING_EQUATIONS = Check("missing-equations", "fewer equations than unknowns", _examine)
