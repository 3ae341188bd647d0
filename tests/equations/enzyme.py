"""Michaelis–Menten kinetics: species a tenth of others."""

import torch
from scipy.integrate import solve_ivp

from dgm_core.formulation import Box, InitialValueProblem


class Enzyme(InitialValueProblem):
    """s' = −s e + 0.1 c, e' = −s e + 0.6 c, c' = s e − 0.6 c, p' = 0.5 c; s(0) = 1, e(0) = 0.1 on [0, 60]."""

    outputs = ("s", "e", "c", "p")
    score = "rel_l2"
    reference_tolerance = 1e-7
    domain = Box(t=(0.0, 60.0))

    def initial_state(self, like):
        return like.new_tensor([[[1.0, 0.1, 0.0, 0.0]]])

    def rate(self, s, e, c, p):
        bound = s * e
        return 0.1 * c - bound, 0.6 * c - bound, bound - 0.6 * c, 0.5 * c

    def equation(self, y):
        rates = self.rate(*(y.d(output=i) for i in range(4)))
        return torch.cat([y.d("t", output=i) - rate for i, rate in enumerate(rates)], dim=-1)

    def solve(self, refinement):
        tolerance = 10.0 ** (-9 - 3 * refinement)
        found = solve_ivp(
            lambda _, s: self.rate(*s),
            (0.0, 60.0),
            [1.0, 0.1, 0.0, 0.0],
            "DOP853",
            rtol=tolerance,
            atol=1e-3 * tolerance,
            dense_output=True,
        )
        return lambda x: torch.from_numpy(found.sol(x.detach().double().numpy().ravel()).T).reshape(
            *x.shape[:-1], 4
        )
