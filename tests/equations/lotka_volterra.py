"""Predators and prey over several of their cycles."""

import torch
from scipy.integrate import solve_ivp

from dgm_core.formulation import Box, InitialValueProblem


class LotkaVolterra(InitialValueProblem):
    """r' = 20 (2 r − 8 r p), p' = 20 (4 r p − 1.06 p), r(0) = 0.5, p(0) = 0.075 on [0, 1]."""

    outputs = ("r", "p")
    score = "rel_l2"
    reference_tolerance = 1e-7
    domain = Box(t=(0.0, 1.0))

    def initial_state(self, like):
        return like.new_tensor([[[0.5, 0.075]]])

    def rate(self, r, p):
        return 20.0 * (2.0 * r - 8.0 * r * p), 20.0 * (4.0 * r * p - 1.06 * p)

    def equation(self, y):
        rates = self.rate(*(y.d(output=i) for i in range(2)))
        return torch.cat([y.d("t", output=i) - rate for i, rate in enumerate(rates)], dim=-1)

    def solve(self, refinement):
        tolerance = 10.0 ** (-9 - 3 * refinement)
        found = solve_ivp(
            lambda _, s: self.rate(*s),
            (0.0, 1.0),
            [0.5, 0.075],
            "DOP853",
            rtol=tolerance,
            atol=1e-3 * tolerance,
            dense_output=True,
        )
        return lambda x: torch.from_numpy(found.sol(x.detach().double().numpy().ravel()).T).reshape(
            *x.shape[:-1], 2
        )
