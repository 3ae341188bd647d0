"""Equations that run backwards from the instant at which their conditions hold."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Field
from dgm_core.calculus.precision import precision
from dgm_core.formulation import Problem
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.scales import parts_of, scales_of, wave
from dgm_core.formulation.terms import INTERIOR
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_POINTS = 16
_WAVES = (1e3, 1e4)
"""Along an axis: so short that the highest derivative alone decides."""
_GROWTH = 50.0
"""Times e over the whole time that the shortest grow at least."""
_FASTER = 3.0
"""How much faster the shorter grow than those ten times as long."""
_MOST_ORDER = 2


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    order = question.orders.get(TIME, 0)
    start = _start(problem)
    if not 1 <= order <= _MOST_ORDER or start is None or not problem.well_posed or len(problem.outputs) > 1:
        return
    time = problem.inputs[-1]
    forward = start == time.lower
    for column, axis in enumerate(problem.inputs):
        if not axis.in_space:
            continue
        turns = [2.0 * math.pi * waves / (axis.upper - axis.lower) for waves in _WAVES]
        slower, faster = (_growth(problem, column, turn, order, forward=forward) for turn in turns)
        grows = (faster * (time.upper - time.lower) > _GROWTH) & (faster > _FASTER * slower) & (slower > 0.0)
        if grows.all():
            other = "at(t=…) at its end" if forward else "initial"
            yield (
                "warning",
                f"Short waves along {axis.name} grow without bound in {problem.name} from t = {start:g}, "
                "where its conditions hold: the shorter, the faster.",
                "Such an equation runs backwards in time from there, and what is not known exactly there "
                "outgrows everything.",
                f"Check the sign of the derivatives, or give the conditions on domain.{other}; "
                "`well_posed = False` in the class says that this is intended.",
            )
            return


def _start(problem: Problem) -> float | None:
    """The one instant, at the start or the end, at which conditions hold; None where there is no such."""
    *space, time = problem.inputs
    if not space or time.name != TIME or problem.measured_terms:
        return None
    regions = [region for region, _ in problem.resolved_conditions.values()]
    instants = {region.bounds[-1][0] for region in regions if region.bounds[-1][0] == region.bounds[-1][1]}
    return instants.pop() if len(instants) == 1 and instants <= {time.lower, time.upper} else None


def _growth(problem: Problem, column: int, turn: float, order: int, *, forward: bool) -> Tensor:
    """Growth rates (n,) of short waves exp(i turn x) about a smooth field, with its coefficients frozen."""

    def beside(x: Tensor) -> Tensor:
        here = x.detach()
        return torch.cos(turn * (x - here)[..., column : column + 1])

    def later(x: Tensor) -> Tensor:
        return (x - x.detach())[..., -1:] ** order / math.factorial(order)

    rate = -_response(problem, beside) / _response(problem, later)
    if order == 2:
        return rate.clamp_min(0.0).sqrt()
    return rate if forward else -rate


def _response(problem: Problem, added: Field) -> Tensor:
    """What a unit of a field that is added does to the residual at each point, (n,)."""
    accurate, scales = problem.accurate(), scales_of(problem)
    x = sobol_points(accurate.regions()[INTERIOR], _POINTS)[None]
    amount = torch.zeros_like(x[..., :1]).requires_grad_()
    usual = wave(problem.inputs, 1.0, 0.5)

    def field(at: Tensor) -> Tensor:
        more = amount * added(at) if at.shape == x.shape else 0.0
        return scales.centres[0] + 0.5 * scales.sizes[0] * usual(at) + more

    with torch.enable_grad(), precision(torch.float64):
        residual = parts_of(accurate.residuals(field, {INTERIOR: x})[INTERIOR])[0]
        (slope,) = torch.autograd.grad(residual.sum(), amount, allow_unused=True, materialize_grads=True)
    return slope.flatten()


BACKWARDS_IN_TIME = Check("backwards-in-time", "equations that run backwards in time", _examine)
