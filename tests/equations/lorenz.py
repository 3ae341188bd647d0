"""The beginning of Lorenz's butterfly: values of up to forty."""

import torch
from scipy.integrate import solve_ivp

from dgm_core.formulation import Box, InitialValueProblem


class Lorenz(InitialValueProblem):
    """Lorenz's equations, σ = 10, ρ = 28, β = 8/3, from (1, 1, 1) on [0, 2]."""

    outputs = ("a", "b", "c")
    score = "rel_l2"
    reference_tolerance = 1e-7
    domain = Box(t=(0.0, 2.0))

    def initial_state(self, like):
        return like.new_tensor([[[1.0, 1.0, 1.0]]])

    def rate(self, a, b, c):
        return 10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3.0 * c

    def equation(self, y):
        rates = self.rate(*(y.d(output=i) for i in range(3)))
        return torch.cat([y.d("t", output=i) - rate for i, rate in enumerate(rates)], dim=-1)

    def solve(self, refinement):
        tolerance = 10.0 ** (-9 - 3 * refinement)
        found = solve_ivp(
            lambda _, s: self.rate(*s),
            (0.0, 2.0),
            [1.0, 1.0, 1.0],
            "DOP853",
            rtol=tolerance,
            atol=1e-3 * tolerance,
            dense_output=True,
        )
        return lambda x: torch.from_numpy(found.sol(x.detach().double().numpy().ravel()).T).reshape(
            *x.shape[:-1], 3
        )
