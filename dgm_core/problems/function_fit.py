"""Fitting a function from samples: the paper's example of universal approximation."""

from __future__ import annotations

import torch
from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.formulation.base import Problem
from dgm_core.formulation.domains import Box
from dgm_core.formulation.regions import FixedNodes, Region
from dgm_core.formulation.terms import Points, Residuals


class FunctionFit(Problem):
    """Least-squares fit of a sine from equidistant samples (nondimensional).

        f(x) = sin(3 x)      at 50 points of [−1, 1]

    Exact: f itself.  Every iteration sees all samples, whatever the batch size; errors are measured
    on a finer grid that shares only its ends with them.  Source: Cybenko (1989); Detorakis, A Primer,
    its example of universal approximation, which reports no error.
    """

    frequency: float = 3.0
    samples: int = Bounded(default=50, ge=2, le=100_000, strict=True)

    outputs = ("f",)
    source = "Cybenko (1989); Detorakis, A Primer"
    resolution = 100
    settings = {
        "paper": {
            "network": "mlp",
            "depth": 1,
            "width": 3,
            "activation": "tanh",
            "gain": 1.0,
            "batch_size": 50,
            "learning_rate": 1e-4,
            "iterations": 100_000,
        },
    }

    domain = Box(x=(-1.0, 1.0))

    def regions(self) -> dict[str, Region]:
        nodes = torch.linspace(-1.0, 1.0, self.samples, dtype=torch.float64)
        return {"samples": FixedNodes.of(nodes[:, None])}

    def residuals(self, u: Field, points: Points) -> Residuals:
        x = points["samples"]
        return {"samples": u(x) - torch.sin(self.frequency * x)}

    def reference(self, x: Tensor) -> Tensor:
        return torch.sin(self.frequency * x)
