"""The FitzHugh–Nagumo model of an excitable membrane: the paper's system of equations."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from pydantic import Field as Bounded
from scipy.integrate import solve_ivp
from scipy.interpolate import BSpline, make_interp_spline
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains import Box
from dgm_core.formulation.initial_value import InitialValueProblem
from dgm_core.formulation.interpolation import Spline

TOLERANCE = 1e-13
"""Relative and absolute, of each step of the reference; its values have converged to 1e-10."""
_NODES_PER_UNIT_TIME = 200


_PAPER = {
    "network": "dgm",
    "depth": 4,
    "width": 128,
    "gain": 1.0,
    "learning_rate": 1e-4,
    "schedule": "step",
    "milestones": (35_000,),
    "decay": 0.1,
    "iterations": 150_000,
}


class FitzHughNagumo(InitialValueProblem):
    """FitzHugh–Nagumo equations (nondimensional).

        y' = y − y³/3 − w + I,   τ w' = y + α − β w,   y(0) = w(0) = 0      on [0, 30]

    Reference: numerical, by an eighth-order Runge–Kutta method (see `solve`).  Source: FitzHugh (1961);
    Detorakis, A Primer, eq. 26.

    The paper's text has ReLU layers and mini-batches of 256 ("paper-text"), the script behind its
    figure tanh layers and 100 points ("paper").  With ReLU the gates of four layers multiply inputs
    of up to 30 until float32 overflows: it diverges at the first iteration.  A loss near zero is no
    solution here: small residuals add up to an error in phase over thirty time units.
    """

    current: float = Bounded(default=0.5, ge=-100, le=100)  # I
    alpha: float = Bounded(default=0.7, ge=-100, le=100)
    beta: float = Bounded(default=0.8, ge=-100, le=100)
    timescale: float = Bounded(default=2.5, ge=0.05)  # τ
    end: float = Bounded(default=30.0, gt=0, le=300)

    name = "fitzhugh-nagumo"
    outputs = ("y", "w")
    source = "FitzHugh (1961); Detorakis, A Primer, eq. 26"
    reported_mae = 0.0088
    reference_tolerance = 1e-8
    settings = {
        "paper": {**_PAPER, "activation": "tanh", "batch_size": 100},
        "paper-text": {**_PAPER, "activation": "relu", "batch_size": 256},
        "tuned": {
            "network": "dgm",
            "depth": 1,
            "width": 35,
            "activation": "tanh",
            "input_scaling": "unit",
            "hard_conditions": True,
            "sampler": "stratified",
            "batch_size": 16,
            "learning_rate": 1.2e-2,
            "schedule": "cosine",
            "iterations": 1_020,
            "windows": 20,
            "polish_iterations": 200,
            "polish_points": 200,
        },
        "second-order": {
            "depth": 2,
            "width": 12,
            "activation": "tanh",
            "input_scaling": "unit",
            "hard_conditions": True,
            "windows": 9,
            "sampler": "sobol",
            "batch_size": 80,
            "optimizer": "ssbroyden",
            "iterations": 6_300,
        },
    }

    tuned_by = "dgm run fhn-search --sampler tpe"

    @property
    def domain(self) -> Box:
        return Box(t=(0.0, self.end))

    def initial_state(self, like: Tensor) -> Tensor:
        return like.new_zeros(1, 1, 2)

    def equation(self, y: Derivatives) -> Tensor:
        voltage, recovery = y.d(output=0), y.d(output=1)
        return torch.cat(
            [
                y.d("t", output=0) - (voltage - voltage**3 / 3.0 - recovery + self.current),
                self.timescale * y.d("t", output=1) - (voltage + self.alpha - self.beta * recovery),
            ],
            dim=-1,
        )

    def reference(self, x: Tensor) -> Tensor:
        return _field(self)(x)


@lru_cache(maxsize=64)
def _field(problem: FitzHughNagumo) -> Spline:
    return Spline(solve(problem))


@lru_cache(maxsize=64)
def solve(problem: FitzHughNagumo, tolerance: float = TOLERANCE) -> BSpline:
    """The solution as a quintic spline (t) -> (..., 2) through values on a fine grid.

    Values by SciPy's DOP853 (Hairer, Nørsett and Wanner 1993) and its dense output.  Raises
    ConfigurationError where the integration fails.
    """

    def rate(_: float, state: np.ndarray) -> np.ndarray:
        y, w = state
        return np.array(
            [
                y - y**3 / 3.0 - w + problem.current,
                (y + problem.alpha - problem.beta * w) / problem.timescale,
            ]
        )

    solution = solve_ivp(
        rate, (0.0, problem.end), (0.0, 0.0), "DOP853", rtol=tolerance, atol=tolerance, dense_output=True
    )
    if not solution.success:
        raise ConfigurationError(f"{problem.name} cannot be solved numerically: {solution.message}")
    grid = np.linspace(0.0, problem.end, max(12, round(_NODES_PER_UNIT_TIME * problem.end)) + 1)
    return make_interp_spline(grid, solution.sol(grid).T, k=5)
