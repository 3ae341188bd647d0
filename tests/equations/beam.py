"""A beam in millimetres: four derivatives."""

from dgm_core.formulation import Box, Dirichlet, Holds, Problem

LENGTH, LOAD = 1000.0, 2.4e-9


class Beam(Problem):
    """E I u'''' = q, u = u'' = 0 at both ends of [0, 1000 mm]; exact, Euler and Bernoulli's line."""

    score = "rel_l2"
    domain = Box(x=(0.0, LENGTH))

    def equation(self, y):
        return y.d("x", "x", "x", "x") - LOAD

    @property
    def conditions(self):
        ends = self.domain.boundary
        return {"values": (ends, Dirichlet()), "moments": (ends, Holds(lambda y: y.d("x", "x")))}

    def reference(self, x):
        s = x / LENGTH
        return LOAD * LENGTH**4 / 24.0 * (s**4 - 2.0 * s**3 + s)
