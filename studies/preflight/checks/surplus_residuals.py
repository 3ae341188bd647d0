"""More residuals than unknowns: all points, values or derivatives were taken for one of their columns."""

from __future__ import annotations

from collections.abc import Iterator

from dgm_core import Problem
from dgm_core.errors import counted
from dgm_core.formulation.conditions import Holds
from dgm_core.formulation.scales import scales_of
from dgm_core.formulation.terms import INTERIOR
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question, residual_widths


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    axes, unknowns = len(problem.inputs), len(problem.outputs)
    if axes == 1 or not problem.well_posed or not question.orders:
        return
    laws = [term for term, (_, held) in problem.resolved_conditions.items() if isinstance(held, Holds)]
    components = {term: len(sizes) for term, sizes in scales_of(problem).terms.items()}
    told = False
    for term in (INTERIOR, *laws):
        if components[term] > unknowns and components[term] % axes == 0:
            told = True
            yield (
                "warning",
                f"The term {term!r} of {problem.name} has {counted(components[term], 'residual')} for "
                f"{counted(unknowns, 'unknown')} and {axes} axes.",
                "Where y.x stands in place of one of its coordinates there is a residual for each axis, and "
                "no field satisfies them all.",
                "Write y.x[..., :1] for the first coordinate and y.x[..., 1:2] for the second; "
                "`well_posed = False` in the class says that this is intended.",
            )
    if not told and problem.reference_kind not in ("exact", "numerical"):
        yield from _of_a_system(problem)


def _of_a_system(problem: Problem) -> Iterator[tuple[Level, str, str, str]]:
    """A tuple of equations of which one has a column too many; a reference would have shown it."""
    widths, unknowns = residual_widths(problem), len(problem.outputs)
    if len(widths) > 1 and max(widths) > 1 and sum(widths) > unknowns:
        place = next(number for number, width in enumerate(widths, 1) if width > 1)
        yield (
            "warning",
            f"The equations of {problem.name} are {counted(sum(widths), 'residual')} for "
            f"{counted(unknowns, 'unknown')}: number {place} of the tuple has "
            f"{counted(widths[place - 1], 'column')}.",
            "Where y.value or y.gradient() stands in place of one of its columns there is a residual for "
            "each, and no field satisfies them all.",
            "Write y.d(output=…) for the value of an output and y.d('x', output=…) for a derivative; "
            "`well_posed = False` in the class says that this is intended.",
        )


SURPLUS_RESIDUALS = Check("surplus-residuals", "more residuals than unknowns", _examine)
