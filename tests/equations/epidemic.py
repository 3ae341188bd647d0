"""An epidemic in people and days."""

import torch
from scipy.integrate import solve_ivp

from dgm_core.formulation import Box, InitialValueProblem


class Epidemic(InitialValueProblem):
    """s' = −0.4 s i / 10⁶, i' = 0.4 s i / 10⁶ − 0.1 i, r' = 0.1 i; 10⁶ people, 100 days."""

    outputs = ("s", "i", "r")
    score = "rel_l2"
    reference_tolerance = 1e-7
    domain = Box(t=(0.0, 100.0))

    def initial_state(self, like):
        return like.new_tensor([[[999000.0, 1000.0, 0.0]]])

    def rate(self, s, i, r):
        infected = 0.4 * s * i / 1e6
        return -infected, infected - 0.1 * i, 0.1 * i

    def equation(self, y):
        rates = self.rate(*(y.d(output=i) for i in range(3)))
        return torch.cat([y.d("t", output=i) - rate for i, rate in enumerate(rates)], dim=-1)

    def solve(self, refinement):
        tolerance = 10.0 ** (-9 - 3 * refinement)
        found = solve_ivp(
            lambda _, s: self.rate(*s),
            (0.0, 100.0),
            [999000.0, 1000.0, 0.0],
            "DOP853",
            rtol=tolerance,
            atol=1e-3 * tolerance,
            dense_output=True,
        )
        return lambda x: torch.from_numpy(found.sol(x.detach().double().numpy().ravel()).T).reshape(
            *x.shape[:-1], 3
        )
