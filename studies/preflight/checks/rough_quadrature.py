"""An integral with too few nodes for what it integrates."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dgm_core import Problem
from dgm_core.calculus.precision import precision
from dgm_core.formulation.quadrature import finer
from dgm_core.formulation.scales import parts_of, points_of, scales_of, wave
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_ALLOWED = 0.01
"""Change of a residual with twice as many nodes, relative to its size for a wrong field."""


def change_with_finer_nodes(problem: Problem) -> tuple[str, float]:
    """The term whose residual changes most with twice as many nodes, and by which share of its size.

    Of a smooth wave of the outputs' sizes.
    """
    problem = problem.with_true_constants()
    scales, count = scales_of(problem), len(problem.outputs)
    waves = [wave(problem.inputs, 1.0, 0.5 + 0.7 * i) for i in range(count)]
    sizes = torch.tensor(scales.sizes, dtype=torch.float64)
    centres = torch.tensor(scales.centres, dtype=torch.float64)

    def field(x: Tensor) -> Tensor:
        return centres + sizes * torch.cat([part(x) for part in waves], dim=-1)

    points = points_of(problem)
    with precision(torch.float64), torch.enable_grad():
        usual = problem.residuals(field, points)
        with finer():
            better = problem.residuals(field, points)
    worst = ("", 0.0)
    for term, size in scales.terms.items():
        coarse, fine = (parts_of(residuals[term])[0].detach() for residuals in (usual, better))
        moved = (coarse - fine).square().mean(dim=(0, 1)).sqrt() / torch.tensor(size, dtype=torch.float64)
        worst = max(worst, (term, float(moved.nan_to_num(0.0).max())), key=lambda each: each[1])
    return worst


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    if getattr(problem, "quadrature", "gauss-legendre") != "gauss-legendre":
        return  # nodes drawn at random differ anyway
    term, share = change_with_finer_nodes(problem)
    if share > _ALLOWED:
        yield (
            "warning",
            f"With twice as many nodes for its integrals the residual {term!r} of {problem.name} changes "
            f"by {100.0 * share:.2g} % of its size.",
            "Trainings solve the equation with the integral that they see: the loss may vanish on a field "
            "that is wrong by as much.",
            "Take more nodes (`problem.nodes` of an integral equation, `Integral(nodes=…)`); of a kernel "
            "that is singular at s = x integrate K(x, s) (y(s) − y(x)), and add y(x) ∫ K(x, s) ds by its "
            "formula.",
        )


ROUGH_QUADRATURE = Check("rough-quadrature", "too few nodes for an integral", _examine)
