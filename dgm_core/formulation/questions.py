"""Whether errors of two problems may be compared."""

from __future__ import annotations

import torch

from dgm_core.formulation.base import Problem
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.scales import typical, wave

_ROUNDING = 1e-9
_POINTS = 64


def same_question(problem: Problem, other: Problem) -> bool:
    """Whether an error means the same for both: the same outputs have the same reference at the same points.

    A parameter such as the number of quadrature nodes changes how a solution is sought, not which; a
    diffusivity changes the solution.  Of problems without a reference, whether a field that solves neither
    leaves the same residuals, once these are free of approximations (`Problem.accurate`).
    """
    if problem == other:
        return True
    if (problem.name, problem.outputs, problem.metric) != (other.name, other.outputs, other.metric):
        return False
    if problem.inputs != other.inputs:
        return False
    if problem.reference_kind == "none":
        return _same_residuals(problem.accurate(), other.accurate())
    points = problem.evaluation_points()
    if not torch.equal(points, other.evaluation_points()):
        return False
    values = problem.reference(points)
    difference = (values - other.reference(points)).abs().max()
    return bool(difference <= _ROUNDING * values.abs().max())


def _same_residuals(first: Problem, other: Problem) -> bool:
    if first.terms != other.terms:
        return False
    slow_wave = wave(first.inputs, 1.9, 1.3)
    outputs = torch.arange(1.0, len(first.outputs) + 1.0, dtype=torch.float64)
    sizes = []
    for problem in (first, other):
        points = {term: sobol_points(region, _POINTS)[None] for term, region in problem.regions().items()}
        sizes.append(typical(problem, lambda x: outputs * slow_wave(x), points))
    return all(
        torch.allclose(size, sizes[1][term], rtol=_ROUNDING, atol=0.0) for term, size in sizes[0].items()
    )
