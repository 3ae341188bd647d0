"""L-BFGS."""

from __future__ import annotations

from torch import Tensor

from dgm_core.training.optimizers.curvature import InverseHessian
from dgm_core.training.optimizers.quasi_newton import QuasiNewton

MEMORY = 50
"""Pairs of steps and gradients that are kept."""


class LBFGS(QuasiNewton):
    """Limited-memory BFGS.  Source: Liu and Nocedal (1989); Nocedal and Wright (2006), algorithm 7.5."""

    name = "lbfgs"
    memory = MEMORY

    def curvature(self, like: Tensor) -> InverseHessian:
        return InverseHessian(like, self.memory)
