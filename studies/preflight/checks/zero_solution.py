"""Equation and conditions that the field zero satisfies."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dgm_core.calculus.precision import precision
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.scales import parts_of
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_POINTS = 64


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    if problem.reference_kind != "none" or not problem.well_posed or type(problem).trained():
        return
    count = len(problem.outputs)

    def zero(x: Tensor) -> Tensor:
        return 0.0 * x.sum(dim=-1, keepdim=True).expand(*x.shape[:-1], count)

    accurate = problem.accurate()
    points = {term: sobol_points(region, _POINTS)[None] for term, region in accurate.regions().items()}
    with torch.enable_grad(), precision(torch.float64):
        residuals = accurate.residuals(zero, points)
    if any(bool(part.any()) for residual in residuals.values() for part in parts_of(residual)):
        return
    yield (
        "warning",
        f"The field zero satisfies the equation and all conditions of {problem.name}.",
        "A training will find it, whatever solution is meant.",
        "Look for a source or for data that are missing, or that take the wrong column of the points; "
        "`well_posed = False` in the class says that this is intended.",
    )


ZERO_SOLUTION = Check("zero-solution", "a solution that is zero", _examine)
