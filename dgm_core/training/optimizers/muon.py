"""Muon: steps whose matrices are orthogonal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from dgm_core.training.optimizers.base import Stepwise

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(Stepwise):
    """The step of a weight matrix is its momentum made orthogonal; that of biases and vectors is Adam's.

    A step has the root mean square of Adam's, 0.2, so that one learning rate serves both.

    Source: Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks"; Liu et al.
    (2025), "Muon is scalable for LLM training", eq. 4, for the length of its steps.
    """

    name = "muon"
    defaults: ClassVar[Mapping[str, float]] = {"momentum": 0.95, "beta1": 0.9, "beta2": 0.999}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state = {
            "step": torch.zeros((), dtype=torch.float32, device=self.values.device),
            "momentum": torch.zeros_like(self.values),
            "mean": torch.zeros_like(self.values),
            "square": torch.zeros_like(self.values),
        }

    @torch.no_grad()
    def step(self) -> None:
        state, g = self.state, self._gradient
        momentum, beta1, beta2 = self.options["momentum"], self.options["beta1"], self.options["beta2"]
        state["step"].add_(1.0)
        state["momentum"].mul_(momentum).add_(g)
        state["mean"].lerp_(g, 1.0 - beta1)
        state["square"].mul_(beta2).addcmul_(g, g, value=1.0 - beta2)
        ahead = g + momentum * state["momentum"]  # Nesterov's
        root = (state["square"] / (1.0 - beta2 ** state["step"])).sqrt_().add_(1e-8)
        update = state["mean"] / (1.0 - beta1 ** state["step"]) / root
        for matrix, target in zip(self.matrices(ahead), self.matrices(update), strict=True):
            if matrix is not None and target is not None:
                target.copy_(orthogonal(matrix) * (0.2 * max(matrix.shape[1:]) ** 0.5))
        self.values.sub_(update * self.rate)


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly U Vᵀ of matrices U S Vᵀ, (K, n, m): singular values between 0.7 and 1.2, by Newton and
    Schulz."""
    turned = matrix.shape[1] > matrix.shape[2]
    x = matrix.mT if turned else matrix
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        square = torch.bmm(x, x.mT)
        x = a * x + torch.bmm(b * square + c * torch.bmm(square, square), x)
    return x.mT if turned else x
