"""Exponential decay: the paper's first equation."""

from __future__ import annotations

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Derivatives
from dgm_core.formulation.domains import Box
from dgm_core.formulation.initial_value import InitialValueProblem


class ExponentialDecay(InitialValueProblem):
    """Exponential decay (nondimensional).

        y' = −k y,   y(0) = y₀      on [0, 1]

    Exact: y = y₀ exp(−k t), the paper's with k = 1 and y₀ = 2.  Source: Detorakis, A Primer,
    section 7.
    """

    rate: float = Bounded(default=1.0, gt=0)  # k, 1 / time
    initial: float = 2.0  # y₀

    source = "Detorakis, A Primer, section 7"
    reported_mae = 0.0017
    settings = {
        "paper": {
            "network": "mlp",
            "depth": 2,
            "width": 32,
            "activation": "tanh",
            "gain": 1.0,
            "batch_size": 64,
            "learning_rate": 1e-4,
            "iterations": 5_000,
        },
        "tuned": {
            "network": "mlp",
            "depth": 2,
            "width": 21,
            "activation": "tanh",
            "gain": 1.0,
            "batch_size": 64,
            "learning_rate": 3.5e-2,
            "schedule": "cosine",
            "iterations": 3_150,
        },
        "second-order": {
            "depth": 2,
            "width": 10,
            "activation": "tanh",
            "input_scaling": "unit",
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 100,
            "optimizer": "gauss-newton",
            "damping": 1e-10,
            "iterations": 60,
        },
    }
    tuned_by = "dgm run decay-search --sampler tpe"

    domain = Box(t=(0.0, 1.0))

    def initial_state(self, like: Tensor) -> Tensor:
        return like.new_tensor([[[self.initial]]])

    def equation(self, y: Derivatives) -> Tensor:
        return y.d("t") + self.rate * y.value

    def reference(self, x: Tensor) -> Tensor:
        return self.initial * torch.exp(-self.rate * x)
