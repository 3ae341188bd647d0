"""Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch.optim.adam import adam

from dgm_core.training.optimizers.base import Stepwise


class Adam(Stepwise):
    """Steps by running means of the gradient and of its square.  Source: Kingma and Ba (2015).

    The arithmetic is torch's own, by its function: its class imports torch's compiler at its first use, which
    takes longer than many a training.
    """

    name = "adam"
    defaults: ClassVar[Mapping[str, float]] = {"beta1": 0.9, "beta2": 0.999}
    decoupled: ClassVar[bool] = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state = {
            "step": torch.zeros((), dtype=torch.float32, device=self.values.device),
            "mean": torch.zeros_like(self.values),
            "square": torch.zeros_like(self.values),
        }

    @torch.no_grad()
    def step(self) -> None:
        state, options = self.state, self.options
        adam(
            [self.values], [self._gradient], [state["mean"]], [state["square"]], [], [state["step"]],
            fused=True, decoupled_weight_decay=self.decoupled, amsgrad=False, beta1=options["beta1"],
            beta2=options["beta2"], lr=self.rate, weight_decay=options.get("weight_decay", 0.0), eps=1e-8,
            maximize=False,
        )  # fmt: skip
