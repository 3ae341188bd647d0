"""Whether errors of two problems may be compared."""

from __future__ import annotations

import torch

from dgm_core.formulation.base import Problem
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.scales import typical, wave

_ROUNDING = 1e-9
_POINTS = 64


def same_question(one: Problem, other: Problem) -> bool:
    """Whether an error means the same for both: the same outputs have the same reference at the same points.

    A parameter such as the number of quadrature nodes changes how a solution is sought, not which; a
    diffusivity changes the solution.  Of problems without a reference, whether a field that solves neither
    leaves the same residuals, once these are free of approximations (`Problem.accurate`).
    """
    if one == other:
        return True
    if (one.name, one.outputs, one.metric) != (other.name, other.outputs, other.metric):
        return False
    if one.inputs != other.inputs:
        return False
    if one.reference_kind == "none":
        return _same_residuals(one.accurate(), other.accurate())
    points = one.evaluation_points()
    if not torch.equal(points, other.evaluation_points()):
        return False
    values = one.reference(points)
    difference = (values - other.reference(points)).abs().max()
    return bool(difference <= _ROUNDING * values.abs().max())


def _same_residuals(one: Problem, other: Problem) -> bool:
    if one.terms != other.terms:
        return False
    own = wave(one.inputs, 1.9, 1.3)
    outputs = torch.arange(1.0, len(one.outputs) + 1.0, dtype=torch.float64)
    found = []
    for problem in (one, other):
        points = {term: sobol_points(region, _POINTS)[None] for term, region in problem.regions().items()}
        found.append(typical(problem, lambda x: outputs * own(x), points))
    return all(
        torch.allclose(size, found[1][term], rtol=_ROUNDING, atol=0.0) for term, size in found[0].items()
    )
