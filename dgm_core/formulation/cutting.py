"""Time windows of any problem that has them: how it is cut, and what one window hands on to the next."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.base import Problem
from dgm_core.formulation.slabs import Slab, begun, expansion_of, handed_on
from dgm_core.formulation.windows import Window

State = Callable[[Tensor], Tensor]
"""Points (1, n, d) to a field's values there, and the velocities of outputs of second order, (K, n, s)."""


def window_of(problem: Problem, lower: float, upper: float, initial: Tensor | None = None) -> Window | Slab:
    """The part of a problem in [lower, upper] of time, started from `initial` (see `Window` and `Slab`).

    Raises ConfigurationError where the problem has no windows.
    """
    if problem.starts or begun(problem):
        _check(problem, lower, upper, initial)
        return (Window if problem.starts else Slab)(problem, lower, upper, initial)
    raise ConfigurationError(
        f"{problem.name} cannot be cut into time windows: every output needs a value at its start, or value "
        "and velocity, in time alone without other conditions, or on a box of one or two axes beside time "
        "with conditions on its faces."
    )


def orders_of(problem: Problem) -> tuple[int, ...]:
    """How much of each output a window hands on: its value 1, its velocity too 2; empty without windows."""
    return problem.starts or begun(problem)


def nothing(problem: Problem, replicates: int) -> Tensor:
    """What a window starts from before the one before it is trained: zeros, as `state_of` has them."""
    if problem.starts or not begun(problem):
        return torch.zeros(replicates, sum(problem.starts), dtype=torch.float64)
    return expansion_of(problem).zeros(replicates, sum(begun(problem)))


def state_of(problem: Problem, time: float, state: State) -> Tensor:
    """What the window that begins at `time` starts from (see `Window` and `Slab`), float64."""
    if problem.starts:
        return state(torch.full((1, 1, 1), time, dtype=torch.float64))[:, 0]
    return handed_on(problem, time, state)


def _check(problem: Problem, lower: float, upper: float, initial: Tensor | None) -> None:
    whole = problem.inputs[-1]
    if not whole.lower <= lower < upper <= whole.upper:
        raise ConfigurationError(
            f"a window [{lower}, {upper}] is not allowed: it must lie in "
            f"[{whole.lower}, {whole.upper}], the time of {problem.name}."
        )
    if initial is None and lower != whole.lower:
        raise ConfigurationError(f"a window of {problem.name} that starts at {lower} needs initial values.")
