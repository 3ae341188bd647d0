"""A capacitor discharged within a microsecond."""

import torch

from dgm_core.formulation import Box, InitialValueProblem


class Capacitor(InitialValueProblem):
    """τ u' = −u, u(0) = 5 V, τ = 0.2 µs on [0, 1 µs]; exact 5 exp(−t/τ)."""

    score = "rel_l2"
    domain = Box(t=(0.0, 1e-6))

    def initial_state(self, like):
        return like.new_full((1, 1, 1), 5.0)

    def equation(self, y):
        return 2e-7 * y.d("t") + y.value

    def reference(self, x):
        return 5.0 * torch.exp(-x / 2e-7)
