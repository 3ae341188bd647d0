"""Residuals that are never negative, as squares and absolute values are."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.calculus.precision import precision
from dgm_core.formulation import Problem
from dgm_core.formulation.conditions import Holds
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.scales import parts_of, scales_of, wave
from dgm_core.formulation.terms import INTERIOR
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_POINTS = 64
_FACTORS = (0.1, -0.1, 1.0, -1.0, 30.0, -30.0, 1e3, -1e3)
"""Of the outputs' sizes: waves as large."""
_FREQUENCIES = (1.0, 10.0, 100.0, 1e3)
"""Slow ones, where values decide the sign, to fast ones, where the highest derivatives do."""
_SLOW = (1e-3, 0.0)
"""Of their frequencies: fields that are nearly and wholly constant."""


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    if not problem.well_posed:
        return
    laws = [term for term, (_, held) in problem.resolved_conditions.items() if isinstance(held, Holds)]
    signs = {term: _signs(problem, term) for term in (INTERIOR, *laws) if term in problem.terms}
    for term, sign in signs.items():
        if sign:
            yield (
                "warning",
                f"The residual {term!r} of {problem.name} is never {'negative' if sign > 0 else 'positive'}, "
                "as a square or an absolute value is not.",
                "The loss squares it once more: its gradient vanishes long before the residual does.",
                "Return the residual itself, which is zero where the equation holds; "
                "`well_posed = False` in the class says that this is intended.",
            )


def _signs(problem: Problem, term: str) -> int:
    """1 where some component of a term is positive for all waves and negative for no constant, -1 likewise;
    else 0.  A penalty that is zero for some waves is none of these."""
    accurate = problem.accurate()
    points = {name: sobol_points(region, _POINTS)[None] for name, region in accurate.regions().items()}
    scales = scales_of(problem)
    sizes, centres = (torch.tensor(each, dtype=torch.float64) for each in (scales.sizes, scales.centres))

    def field(factor: float, frequency: float) -> Field:
        def values(x: Tensor) -> Tensor:
            waves = [wave(problem.inputs, frequency, 0.5 + 0.7 * i)(x) for i in range(len(sizes))]
            return centres + factor * sizes * torch.cat(waves, dim=-1)

        return values

    def values(factor: float, frequency: float) -> Tensor:
        with torch.enable_grad(), precision(torch.float64):
            residual = accurate.residuals(field(factor, frequency), points)[term]
        return parts_of(residual)[0].detach()

    waves = torch.cat([values(factor, each) for factor in _FACTORS for each in _FREQUENCIES], dim=1)
    slow = torch.cat([values(factor, frequency) for factor in _FACTORS for frequency in _SLOW], dim=1)
    for sign in (1, -1):
        always = (sign * waves > 0.0).all(dim=1) & (sign * slow >= 0.0).all(dim=1)
        if always.any():
            return sign
    return 0


ONE_SIGNED = Check("one-signed", "residuals that are squares", _examine)
