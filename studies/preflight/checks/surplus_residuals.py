"""More residuals than unknowns, as many as axes: the points were taken for one of their coordinates."""

from __future__ import annotations

from collections.abc import Iterator

from dgm_core.errors import counted
from dgm_core.formulation.conditions import Holds
from dgm_core.formulation.scales import scales_of
from dgm_core.formulation.terms import INTERIOR
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    axes, unknowns = len(problem.inputs), len(problem.outputs)
    if axes == 1 or not problem.well_posed or not question.orders:
        return
    laws = [term for term, (_, held) in problem.resolved_conditions.items() if isinstance(held, Holds)]
    components = {term: len(sizes) for term, sizes in scales_of(problem).terms.items()}
    for term in (INTERIOR, *laws):
        if components[term] > unknowns and components[term] % axes == 0:
            yield (
                "warning",
                f"The term {term!r} of {problem.name} has {counted(components[term], 'residual')} for "
                f"{counted(unknowns, 'unknown')} and {axes} axes.",
                "Where y.x stands in place of one of its coordinates there is a residual for each axis, and "
                "no field satisfies them all.",
                "Write y.x[..., :1] for the first coordinate and y.x[..., 1:2] for the second; "
                "`well_posed = False` in the class says that this is intended.",
            )


SURPLUS_RESIDUALS = Check("surplus-residuals", "more residuals than unknowns", _examine)
