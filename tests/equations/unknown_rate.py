"""A rate of second order found from 40 noisy measurements."""

import torch

from dgm_core.formulation import Box, InitialValueProblem, Measured, Table, Trained

T = torch.linspace(0.1, 4.0, 40, dtype=torch.float64)[:, None]
NOISE = 0.01 * torch.randn(40, 1, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
DATA = Table(T, 1.0 / (1.0 + 0.5 * T) + NOISE)


class UnknownRate(InitialValueProblem):
    """y' = −k y², y(0) = 1 on [0, 4]; k = 0.5."""

    outputs = ("y",)
    score = "rel_l2"
    domain = Box(t=(0.0, 4.0))
    k: float = Trained(1.0, positive=True, truth=0.5)

    def initial_state(self, like):
        return torch.ones_like(like[:1, :1, :1])

    def equation(self, y):
        return y.d("t") + self.k * y.value**2

    @property
    def conditions(self):
        return {**super().conditions, "data": Measured(DATA)}

    def reference(self, t):
        return 1.0 / (1.0 + self.k * t)
