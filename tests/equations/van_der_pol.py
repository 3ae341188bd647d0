"""A nonlinear oscillator of second order, with its SciPy reference."""

import torch
from scipy.integrate import solve_ivp

from dgm_core.formulation import Box, Dirichlet, InitialVelocity, Problem


class VanDerPol(Problem):
    """u'' − (1 − u²) u' + u = 0, u(0) = 2, u'(0) = 0 on [0, 10]."""

    reference_tolerance = 1e-8
    score = "rel_l2"
    domain = Box(t=(0.0, 10.0))

    def equation(self, y):
        return y.d("t", "t") - (1.0 - y.value**2) * y.d("t") + y.value

    @property
    def conditions(self):
        start = self.domain.initial
        return {"start": (start, Dirichlet(lambda x: 2.0 + 0.0 * x)), "speed": (start, InitialVelocity())}

    def solve(self, refinement):
        tolerance = 10.0 ** (-9 - 3 * refinement)
        found = solve_ivp(
            lambda _, s: [s[1], (1.0 - s[0] ** 2) * s[1] - s[0]],
            (0.0, 10.0),
            [2.0, 0.0],
            "DOP853",
            rtol=tolerance,
            atol=tolerance,
            dense_output=True,
        )
        return lambda x: torch.from_numpy(found.sol(x.detach().double().numpy().ravel())[0]).reshape(x.shape)
