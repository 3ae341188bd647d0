"""Nyström's method: a second, independent solution of Fredholm equations of the second kind."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.integral_equation import IntegralEquation


def nystrom(equation: IntegralEquation, nodes: int = 32) -> Field:
    """The solution as a field, from collocation at Gauss–Legendre nodes.

    The linear system for the values at the nodes is solved densely; elsewhere the equation itself
    interpolates.  Converges as fast as the quadrature.  Source: Nyström (1930); Atkinson, The Numerical
    Solution of Integral Equations of the Second Kind (1997), chapter 4.  Raises ConfigurationError for
    equations of the first kind, which it cannot interpolate, and Volterra's, whose kernel is cut at x.
    """
    axis = equation.inputs[0]
    points, weights = np.polynomial.legendre.leggauss(nodes)
    length = axis.upper - axis.lower
    t = torch.from_numpy(axis.lower + 0.5 * length * (points + 1.0))  # (m,)
    weights = 0.5 * length * weights
    alpha = equation.alpha(t[:, None]).numpy()[:, 0]
    if equation.volterra or not alpha.all():
        raise ConfigurationError(
            f"{equation.name} has no Nyström solution: it is no Fredholm equation of the second kind."
        )
    kernel = equation.kernel(t[:, None], t[None, :]).numpy()  # (m, m)
    matrix = np.diag(alpha) - equation.factor * kernel * weights
    values = np.linalg.solve(matrix, equation.forcing(t[:, None]).numpy()[:, 0])
    weighted = torch.from_numpy(equation.factor * weights * values)

    def solution(x: Tensor) -> Tensor:
        integral = (equation.kernel(x, t) * weighted).sum(dim=-1, keepdim=True)
        return (equation.forcing(x) + integral) / equation.alpha(x)

    return solution
