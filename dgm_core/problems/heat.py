"""Heat conduction in one dimension: the paper's example."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.formulation.conditions import Condition, Dirichlet
from dgm_core.formulation.conduction import LEFT, RIGHT, Conduction
from dgm_core.formulation.domains import Part


class Heat(Conduction):
    """Heat conduction in a bar with cold ends (nondimensional).

        u_t = κ u_xx,   u(x, 0) = sin x,   u(0, t) = u(π, t) = 0      on [0, π] × [0, 3]

    Exact: u = sin(x) exp(−κ t).  Source: Detorakis, "Practical Aspects on Solving Differential
    Equations Using Deep Learning: A Primer", eq. 20.
    """

    source = "Detorakis, A Primer, eq. 20"
    reported_mae = 0.0529
    settings = {
        "paper": {
            "network": "mlp",
            "depth": 3,
            "width": 32,
            "activation": "tanh",
            "gain": 1.0,
            "batch_size": 64,
            "learning_rate": 1e-4,
            "iterations": 15_000,
        },
        "tuned": {
            "network": "mlp",
            "depth": 4,
            "width": 32,
            "activation": "tanh",
            "gain": 1.0,
            "input_scaling": "unit",
            "hard_conditions": True,
            "batch_size": 22,
            "learning_rate": 1.4e-2,
            "schedule": "cosine",
            "iterations": 10_000,
            "averaging": 0.99,
        },
        "second-order": {
            "depth": 2,
            "width": 12,
            "activation": "tanh",
            "gain": 1.0,
            "input_scaling": "unit",
            "hard_conditions": True,
            "sampler": "sobol",
            "batch_size": 400,
            "optimizer": "gauss-newton",
            "iterations": 60,
        },
    }
    tuned_by = (
        "dgm run heat-search --sampler tpe --set hard_conditions=true --set iterations=10000 --time-limit 600"
    )

    def profile(self, x: Tensor) -> Tensor:
        return torch.sin(x)

    @property
    def boundary(self) -> dict[str, tuple[Part, Condition]]:
        return {
            "left": (self.domain.at(x=LEFT), Dirichlet()),
            "right": (self.domain.at(x=RIGHT), Dirichlet()),
        }

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(x[..., :1]) * torch.exp(-self.diffusivity * x[..., 1:])
