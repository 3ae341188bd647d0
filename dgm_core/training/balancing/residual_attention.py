"""Balance point by point, by the residuals that a training has met."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.training.balancing.base import Balancer

DECAY = 0.999
RATE = 0.01


class ResidualAttention(Balancer):
    """Points where the residual stays large weigh more: λ ← 0.999 λ + 0.01 |r| / max |r| at each step.

    A term is the mean of (λ r)², and the maximum that of its own points; λ starts at 0 and stays below 10.
    Source: Anagnostopoulos, Toscano, Stergiopulos and Karniadakis (2024), "Residual-based attention in
    physics-informed neural networks", eqs. 6 and 7.
    """

    of_points = True
    of_squares = True

    def of_term(self, term: str, squares: Tensor) -> Tensor:
        each = squares.mean(dim=2)  # (K, n)
        with torch.no_grad():
            size = each.detach().sqrt()
            largest = size.amax(dim=1, keepdim=True).clamp_min(torch.finfo(size.dtype).tiny)
            if term not in self.state:
                self.state[term] = torch.zeros_like(size)
            weights = self.state[term]
            weights.mul_(DECAY).add_(size / largest, alpha=RATE)
            squared = weights.square()
        return (squared * each).mean(dim=1)
