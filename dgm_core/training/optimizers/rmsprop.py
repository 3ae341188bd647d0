"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from dgm_core.training.optimizers.base import Stepwise


class RMSprop(Stepwise):
    """Steps by the gradient over the root of a running mean of its square.

    Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012); torch's defaults.
    """

    name = "rmsprop"
    defaults: ClassVar[Mapping[str, float]] = {"beta2": 0.99, "momentum": 0.0}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state = {"square": torch.zeros_like(self.values), "momentum": torch.zeros_like(self.values)}

    @torch.no_grad()
    def step(self) -> None:
        beta, g = self.options["beta2"], self._gradient
        square, momentum = self.state["square"], self.state["momentum"]
        square.mul_(beta).addcmul_(g, g, value=1.0 - beta)
        momentum.mul_(self.options["momentum"]).addcdiv_(g, square.sqrt().add_(1e-8))
        self.values.sub_(momentum * self.rate)
