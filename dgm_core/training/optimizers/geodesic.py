"""Gauss and Newton's method with geodesic acceleration."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.training.optimizers.gauss_newton import GaussNewton, System

_SPAN = 0.1
"""Distance of the finite differences, in steps."""
_MOST = 0.75
"""Length of a correction, in steps, above which it is left out."""


class GeodesicGaussNewton(GaussNewton):
    """Steps of `GaussNewton` that are bent as the residuals are curved along them.

    Along v = −d, the step of `GaussNewton`, the residuals have the second derivative r_vv, by central
    differences.  The step becomes v + a / 2 with

        a = −(JᵀJ + λ)⁻¹ Jᵀ r_vv

    where |a| ≤ 0.75 |v|, and else stays v, as it does where the bent step does not lower the value.  A step
    costs up to three looks at the residuals more than one of `GaussNewton`; its Jacobian and its factor serve
    both.

    With `formulation` "energy", whose value is no sum of squares, it is `GaussNewton`.

    Source: Transtrum and Sethna (2012), "Improvements to the Levenberg-Marquardt algorithm for nonlinear
    least-squares minimization", section 3.
    """

    name = "geodesic-gauss-newton"
    gradients = 25.0

    def _tried(self, system: System, steps: Tensor, active: list[int]) -> tuple[Tensor, list[float]]:
        corrections = self._corrections(system, steps, active)
        if corrections is None:
            return super()._tried(system, steps, active)
        trial = self.parameters - steps + corrections
        values = self.objective.value(trial).tolist()
        again = torch.zeros(len(steps), 1, dtype=torch.bool, device=steps.device)
        again[[k for k in active if not values[k] < self.values[k]]] = True
        again &= (corrections != 0.0).any(dim=1, keepdim=True)
        if again.any():
            trial = torch.where(again, self.parameters - steps, trial)
            values = self.objective.value(trial).tolist()
        return trial, values

    def _corrections(self, system: System, steps: Tensor, active: list[int]) -> Tensor | None:
        """a / 2 (K, P), zero where it is left out; None where it is for all."""
        if system.function:
            return None
        ahead, behind = (
            self.objective.residuals(self.parameters + side * _SPAN * steps) for side in (-1.0, 1.0)
        )
        curvature = (ahead - 2.0 * system.residuals + behind) / _SPAN**2
        corrections = system.pulled(curvature, active).mul_(-0.5)
        longest = _MOST / 2.0 * torch.linalg.vector_norm(steps, dim=1, keepdim=True)
        # Not a number, where a residual is not finite, is not short either.
        short = torch.linalg.vector_norm(corrections, dim=1, keepdim=True) <= longest
        return torch.where(short, corrections, 0.0) if short.any() else None
