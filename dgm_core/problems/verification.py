"""Whether a problem and its reference say the same: checked whenever a problem is made."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.streams import stream

if TYPE_CHECKING:
    from dgm_core.problems.base import Points, Problem

_POINTS = 8


@lru_cache(maxsize=256)
def verify(problem: Problem) -> None:
    """Refuses a problem whose reference does not satisfy its residuals, at a few points (float64).

    Raises ConfigurationError with the term, its residual and the tolerance, and where the reference is
    zero everywhere.  One success is remembered for each class and parameters.
    """
    if not problem.reference(problem.evaluation_points()).any():
        raise ConfigurationError(
            f"{problem.name} with these parameters is solved by zero, of which no relative error exists."
        )
    accurate = problem.accurate()
    points = _points(accurate)
    sizes = residual_sizes(accurate, accurate.reference, points)
    scales = residual_sizes(accurate, perturbed(accurate), points)
    for term in accurate.terms:
        allowed = accurate.reference_tolerance * max(1.0, scales[term])
        if not sizes[term] <= allowed:  # a NaN is refused too
            raise ConfigurationError(
                f"the reference of {problem.name} does not satisfy its term {term!r}: "
                f"the residual is {sizes[term]:.1e}, where {allowed:.1e} is allowed."
            )


def residual_sizes(problem: Problem, u: Field, points: Points) -> dict[str, float]:
    """The largest absolute residual of each term for a field at the given points."""
    with torch.enable_grad():
        residuals = problem.residuals(u, points)
    sizes = {}
    for term, residual in residuals.items():
        parts = residual if isinstance(residual, tuple) else (residual,)
        sizes[term] = max(part.abs().max().item() for part in parts)
    return sizes


def perturbed(problem: Problem) -> Field:
    """The reference with an error of its own size, in value and derivatives alike."""
    size = max(1.0, problem.reference(problem.evaluation_points()).abs().max().item())

    def field(x: Tensor) -> Tensor:
        return problem.reference(x) + size * torch.cos(0.5 + x.sum(dim=-1, keepdim=True))

    return field


def _points(problem: Problem) -> dict[str, Tensor]:
    points = {}
    for term, region in problem.regions().items():
        shape = (1, region.count(_POINTS), len(region.free))
        generator = stream(0, "verification", term)
        points[term] = region.place(torch.rand(shape, dtype=torch.float64, generator=generator))
    return points
