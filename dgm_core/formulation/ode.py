"""Systems of ordinary differential equations, defined by their rates alone."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import scipy  # whose parts are loaded at their first use
import torch
from torch import Tensor

from dgm_core.calculus import TIME, Derivatives, Field
from dgm_core.errors import ConfigurationError, counted, listed
from dgm_core.formulation.initial_value import InitialValueProblem

_TOLERANCES = (1e-8, 1e-11)
"""Relative, of each step of the two refinements."""
_MOST = 100_000
"""Evaluations of the rate: more than any solution takes that a network could follow."""
_SMALL = 1e-6
"""Share of the relative tolerance that is absolute, of an output of size one."""


class ODE(InitialValueProblem):
    """y′ = rate(t, y₁, …, y_q), y(start of the domain) = start.

    The equation, hard initial values, time windows and a numerical reference follow.  The reference is
    LSODA's, which changes to an implicit method if the system is stiff (Petzold 1983).  There is none if a
    trained constant has no known truth; a `table` replaces it.
    """

    reference_tolerance = 1e-6

    def examine(self) -> None:
        names = [axis.name for axis in self.inputs]
        if names != [TIME]:
            raise ConfigurationError(
                f"the domain of {self.name} must be time alone, such as Box({TIME}=(0.0, 1.0)): it has the "
                f"{'axis' if len(names) == 1 else 'axes'} {listed(names)}."
            )
        super().examine()

    @abstractmethod
    def rate(self, t: Tensor, *y: Tensor) -> Any:
        """The rates of change, one for each output, of y at t: tensors (K, n, 1) in training."""

    def equation(self, y: Derivatives) -> Tensor:
        count = len(self.outputs)
        rates = self._rates(y.x, [y.d(output=i) for i in range(count)])
        return torch.cat([y.d("t", output=i) - rates[i] for i in range(count)], dim=-1)

    def solve(self, refinement: int) -> Field:
        axis, tolerance = self.inputs[0], _TOLERANCES[refinement]

        calls = itertools.count(1)

        def rate(t: float, y: np.ndarray) -> list[float]:
            if next(calls) > _MOST:
                state = zip(self.outputs, y, strict=True)
                reached = ", ".join(f"{name} = {value:.3g}" for name, value in state)
                raise ConfigurationError(
                    f"{self.name} cannot be solved numerically: after {_MOST:,} evaluations of its rate it "
                    f"reached t = {t:.6g} with {reached}; does the solution blow up there?"
                )
            at, *values = torch.as_tensor(np.array([t, *y])).unbind()
            return [float(one) for one in self._rates(at, values)]

        trajectory = scipy.integrate.solve_ivp(
            rate,
            (axis.lower, axis.upper),
            [float(value) for value in self.prescribed_start],
            "LSODA",
            rtol=tolerance,
            atol=_SMALL * tolerance,
            dense_output=True,
        )
        if not trajectory.success:
            raise ConfigurationError(f"{self.name} cannot be solved numerically: {trajectory.message}")

        def field(x: Tensor) -> Tensor:
            values = trajectory.sol(x.detach().cpu().double().numpy().reshape(-1)).T
            return torch.from_numpy(values.copy()).reshape(*x.shape[:-1], -1).to(x.device)

        return field

    @property
    def reference_kind(self) -> Literal["exact", "numerical", "table", "none"]:
        kind = super().reference_kind
        if kind != "numerical":
            return kind
        if self.table is not None:
            return "table"
        unknown = any(constant.truth is None for constant in type(self).trained().values())
        return "none" if unknown else "numerical"

    def _rates(self, t: Tensor, y: Sequence[Tensor]) -> Sequence[Any]:
        given = self.rate(t, *y)
        rates = [given] if isinstance(given, Tensor | float | int) else list(given)
        if len(rates) != len(y):
            raise ConfigurationError(
                f"rate of {self.name} gives {counted(len(rates), 'value')} for {counted(len(y), 'output')}: "
                "it must return a tuple of one rate for each."
            )
        return rates
