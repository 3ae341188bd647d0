"""Optimizers over one flat parameter tensor (K, P).

The arithmetic is torch's own, by its functions.  Its classes for them import torch's compiler at their first
use, which takes longer than many a training, and which nothing here needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from dgm_core.errors import ConfigurationError


class Optimizer(ABC):
    """Changes `values` by the gradients that they hold, at the rate that the tensor `rate` () holds.

    weight_decay: None is the optimizer's default.  `state` holds what it remembers, in tensors that a step
    changes in place.
    """

    default_decay: ClassVar[float] = 0.0

    def __init__(self, values: nn.Parameter, rate: Tensor, weight_decay: float | None = None) -> None:
        self.values = values
        self.rate = rate
        self.weight_decay = self.default_decay if weight_decay is None else weight_decay
        self.state: dict[str, Tensor] = {}

    @abstractmethod
    def step(self) -> None:
        """One update."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continues from another's `state`.  Raises ConfigurationError where that is of another kind."""
        if state.keys() != self.state.keys():
            raise ConfigurationError("the checkpoint was written by another version of this program.")
        for name, value in self.state.items():
            value.copy_(state[name])

    @property
    def _gradient(self) -> Tensor:
        assert self.values.grad is not None
        return self.values.grad


class Adam(Optimizer):
    """Source: Kingma and Ba (2015)."""

    decoupled: ClassVar[bool] = False

    def __init__(self, values: nn.Parameter, rate: Tensor, weight_decay: float | None = None) -> None:
        super().__init__(values, rate, weight_decay)
        self.state = {
            "step": torch.zeros((), dtype=torch.float32, device=values.device),
            "mean": torch.zeros_like(values),
            "square": torch.zeros_like(values),
        }

    @torch.no_grad()
    def step(self) -> None:
        state = self.state
        adam(
            [self.values], [self._gradient], [state["mean"]], [state["square"]], [], [state["step"]],
            fused=True, decoupled_weight_decay=self.decoupled, amsgrad=False, beta1=0.9, beta2=0.999,
            lr=self.rate, weight_decay=self.weight_decay, eps=1e-8, maximize=False,
        )  # fmt: skip


class AdamW(Adam):
    """Adam with a decay of the weights of its own.  Source: Loshchilov and Hutter (2019)."""

    default_decay = 0.01
    decoupled = True


class SGD(Optimizer):
    """Stochastic gradient descent."""

    @torch.no_grad()
    def step(self) -> None:
        rate: Any = self.rate  # which is annotated as a number, and may be a tensor
        sgd(
            [self.values], [self._gradient], [None],
            fused=True, lr=rate, weight_decay=self.weight_decay, momentum=0.0, dampening=0.0,
            nesterov=False, maximize=False,
        )  # fmt: skip


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD}
