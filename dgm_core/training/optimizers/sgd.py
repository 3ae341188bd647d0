"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch.optim.sgd import sgd

from dgm_core.training.optimizers.base import Stepwise


class SGD(Stepwise):
    """Stochastic gradient descent, with momentum where it is asked for.

    Source: Robbins and Monro (1951); Polyak (1964) for the momentum, as torch has it.
    """

    name = "sgd"
    defaults: ClassVar[Mapping[str, float]] = {"momentum": 0.0}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if self.options["momentum"]:
            self.state = {"momentum": torch.zeros_like(self.values)}

    @torch.no_grad()
    def step(self) -> None:
        rate: Any = self.rate  # which is annotated as a number, and may be a tensor
        sgd(
            [self.values], [self._gradient], [self.state.get("momentum")],
            fused=True, lr=rate, weight_decay=0.0, momentum=self.options["momentum"], dampening=0.0,
            nesterov=False, maximize=False,
        )  # fmt: skip
