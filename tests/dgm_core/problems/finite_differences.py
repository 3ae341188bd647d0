"""Finite differences for the heat equation: a reference that owes nothing to an exact solution."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.conditions import Condition, Dirichlet, Neumann, Robin
from dgm_core.formulation.conduction import Conduction

Array = NDArray[np.float64]


def crank_nicolson(problem: Conduction, cells: int, steps: int) -> tuple[Array, Array, Array]:
    """The solution on a grid: x (cells + 1,), t (steps + 1,) and u (steps + 1, cells + 1), float64.

    Central differences in space and the trapezoidal rule in time: second order in both, stable for
    any step.  Flux conditions are met by a ghost node beyond the end, which keeps the second order.
    Source: Crank and Nicolson (1947); Detorakis, A Primer, box 5.2.  Raises ConfigurationError for
    conditions other than homogeneous Dirichlet, Neumann and Robin ones.
    """
    bar, duration = problem.inputs
    x = np.linspace(bar.lower, bar.upper, cells + 1)
    t = np.linspace(duration.lower, duration.upper, steps + 1)
    width = (bar.upper - bar.lower) / cells
    ends = _conditions_at_ends(problem)
    operator = problem.diffusivity * _second_difference(cells + 1, width, ends)  # (3, cells + 1)
    half_step = 0.5 * (duration.upper - duration.lower) / steps

    implicit = -half_step * operator
    implicit[1] += 1.0
    u = np.empty((steps + 1, cells + 1))
    u[0] = problem.profile(torch.from_numpy(x)[:, None]).numpy()[:, 0]
    for step in range(steps):
        explicit = u[step] + half_step * _apply(operator, u[step])
        u[step + 1] = solve_banded((1, 1), implicit, explicit)
    return x, t, u


def _conditions_at_ends(problem: Conduction) -> tuple[Condition, Condition]:
    """Those at the lower and the upper end of the bar."""
    at = {part.bounds[0][0]: condition for part, condition in problem.boundary.values()}
    bar = problem.inputs[0]
    if set(at) != {bar.lower, bar.upper}:
        raise ConfigurationError(f"{problem.name} has no finite differences: an end is without condition.")
    return at[bar.lower], at[bar.upper]


def _second_difference(nodes: int, width: float, ends: tuple[Condition, Condition]) -> Array:
    """∂²/∂x² in the banded form of `solve_banded`: rows of super-, main and subdiagonal."""
    bands = np.ones((3, nodes))
    bands[1] = -2.0
    for end, neighbour, condition in ((0, 1, ends[0]), (-1, -2, ends[1])):
        row = _end_row(condition, width)
        bands[1, end] = row[0]
        bands[0 if end == 0 else 2, neighbour] = row[1]
    return bands / width**2


def _end_row(condition: Condition, width: float) -> tuple[float, float]:
    """Weights of the end node and its neighbour, times width², the ghost node eliminated."""
    if condition == Dirichlet():
        return 0.0, 0.0  # the value keeps that of the profile, zero
    if condition == Neumann():
        return -2.0, 2.0
    if isinstance(condition, Robin) and condition == Robin(condition.coefficient):
        return -2.0 - 2.0 * width * condition.coefficient, 2.0
    raise ConfigurationError(f"finite differences do not know the condition {condition}.")


def _apply(bands: Array, u: Array) -> Array:
    """The tridiagonal matrix times u."""
    product = bands[1] * u
    product[:-1] += bands[0, 1:] * u[1:]
    product[1:] += bands[2, :-1] * u[:-1]
    return product
