"""A straight line, in a hundred metres."""

from dgm_core.formulation import Box, Dirichlet, Problem


class Line(Problem):
    """u'' = 0 on [0, 100], u(0) = 20, u(100) = 80; exact."""

    score = "rel_l2"
    domain = Box(x=(0.0, 100.0))

    def equation(self, y):
        return y.d("x", "x")

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet(self.reference))}

    def reference(self, x):
        return 20.0 + 0.6 * x
