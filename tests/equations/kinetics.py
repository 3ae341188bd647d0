"""Kinetics of second order: a quantity of a thousand over two thousand days."""

from dgm_core.formulation import Box, InitialValueProblem


class Kinetics(InitialValueProblem):
    """y' = −k y², y(0) = 1000, k = 2·10⁻⁶ a day on [0, 2000] days; exact 1 / (1/1000 + k t)."""

    score = "rel_l2"
    domain = Box(t=(0.0, 2000.0))

    def initial_state(self, like):
        return like.new_full((1, 1, 1), 1000.0)

    def equation(self, y):
        return y.d("t") + 2e-6 * y.value**2

    def reference(self, x):
        return 1.0 / (1e-3 + 2e-6 * x)
