"""Gauss and Newton's method with the momentum of SPRING."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from dgm_core.training.optimizers.gauss_newton import GaussNewton


class Spring(GaussNewton):
    """Steps that are damped towards μ times the last one, d₋, in place of zero: |J d − r|² + λ |d − μ d₋|² is
    least at

        d = μ d₋ + (JᵀJ + λ)⁻¹ Jᵀ (r − μ J d₋)

    or with the smaller J Jᵀ, as in `GaussNewton`.  A step that does not lower the value forgets the last one.

    Source: Goldshlager, Abrahamsen and Lin (2024), "A Kaczmarz-inspired approach to accelerate the
    optimization of neural network wavefunctions", eq. 25; Guzmán-Cordero et al. (2025) for differential
    equations.
    """

    name = "spring"
    remembers = True
    defaults: ClassVar[Mapping[str, float]] = {"damping": 1e-5, "momentum": 0.9}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._last = torch.zeros_like(self.parameters)

    def _centre(self) -> Tensor:
        return self.options["momentum"] * self._last

    def _stepped(self, steps: Tensor, moved: list[int]) -> None:
        taken = torch.zeros(len(steps), 1, dtype=torch.bool, device=steps.device)
        taken[moved] = True
        self._last = torch.where(taken, steps, 0.0)

    def state(self) -> dict[str, Any]:
        return super().state() | {"last": self._last.cpu().clone()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._last.copy_(state["last"])
