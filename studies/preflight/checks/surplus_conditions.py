"""More conditions at instants than an equation of first order in time can satisfy."""

from __future__ import annotations

from collections.abc import Iterator

from dgm_core.calculus import TIME
from dgm_core.formulation.conditions import InitialVelocity, Periodic
from dgm_core.formulation.regions import FixedNodes
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    if not problem.well_posed or problem.reference_kind in ("exact", "numerical") or type(problem).trained():
        return  # a reference satisfies them all; constants are found from more than is needed
    if len(problem.outputs) > 1 or question.orders.get(TIME) != 1:
        return
    instants: dict[float, str] = {}
    for term, (region, held) in problem.resolved_conditions.items():
        begin, end = region.bounds[-1]
        if begin != end or isinstance(held, Periodic) or isinstance(region, FixedNodes):
            continue
        if isinstance(held, InitialVelocity):
            yield _warned(f"The condition {term!r} of {problem.name} prescribes a velocity")
            return
        instants.setdefault(begin, term)
    if len(instants) > 1:
        first, second = list(instants.items())[:2]
        yield _warned(
            f"The conditions {first[1]!r} and {second[1]!r} of {problem.name} hold at t = {first[0]:g} and "
            f"t = {second[0]:g}"
        )


def _warned(what: str) -> tuple[Level, str, str, str]:
    return (
        "warning",
        f"{what}, though its equation is of first order in time.",
        "Its values at one instant determine the solution: unless the data agree, no field satisfies all.",
        "Keep one of them; `well_posed = False` in the class says that this is intended.",
    )


SURPLUS_CONDITIONS = Check("surplus-conditions", "more conditions in time than can hold", _examine)
