"""What the terms of a problem are at given points, for a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dgm_core.calculus import Derivatives, Field, derivatives_at
from dgm_core.calculus.precision import precision
from dgm_core.formulation.conditions import Condition
from dgm_core.formulation.domains import Domain
from dgm_core.formulation.regions import Axis, Region
from dgm_core.formulation.terms import INTERIOR, Points


class _Stated(Protocol):
    """What is read of a problem."""

    @property
    def outputs(self) -> tuple[str, ...]: ...
    @property
    def inputs(self) -> tuple[Axis, ...]: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def whole(self) -> Any: ...
    @property
    def resolved_conditions(self) -> Mapping[str, tuple[Region, Condition]]: ...


def terms_at(
    problem: _Stated, u: Field, points: Points, inside: Callable[[Derivatives], Any]
) -> dict[str, Any]:
    """What `inside` makes of a field u in the interior, and the residuals (K, n, c) of the conditions there.

    Conditions whose points are not given are left out.
    """
    conditions = {term: held for term, held in problem.resolved_conditions.items() if term in points}
    places = {term: points[term] for term in (INTERIOR, *conditions)}
    for term, (region, condition) in conditions.items():
        other = condition.elsewhere(points[term], region)
        if other is not None:
            places[f"{term}, elsewhere"] = other
    axes = tuple(axis.name for axis in problem.inputs)
    with precision(points[INTERIOR].dtype):
        y = derivatives_at(u, places, axes, apart=[INTERIOR])
        for at_term in y.values():
            at_term.field, at_term.domain, at_term.whole = u, problem.domain, problem.whole is problem
            at_term.outputs = problem.outputs
        held: dict[str, Any] = {INTERIOR: inside(y[INTERIOR])}
        for term, (region, condition) in conditions.items():
            held[term] = condition.residual(y[term], region, y.get(f"{term}, elsewhere"))
    return held
