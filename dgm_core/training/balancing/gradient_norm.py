"""Balance by the norms of the terms' gradients."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from dgm_core.training.balancing.base import TermBalancer


class GradientNorm(TermBalancer):
    """Every weighted term's gradient is as long as the others: λ̂ᵢ = Σⱼ ‖∇Lⱼ‖ / ‖∇Lᵢ‖.

    Source: Wang, Teng and Perdikaris (2021), "Understanding and mitigating gradient flow pathologies in
    physics-informed neural networks"; the norms, in place of maxima and means, are those of Wang et al.
    (2023), "An expert's guide to training physics-informed neural networks", algorithm 1.
    """

    def sizes(self, points: Mapping[str, Tensor]) -> Tensor:
        with torch.enable_grad():
            terms, _ = self.loss.parts(self.piece, points)
            parameters = list(self.piece.network.parameters())
            norms = terms.detach().new_zeros(terms.shape)
            for column in self.loss.weighed:
                gradients = torch.autograd.grad(
                    terms[:, column].sum(), parameters, retain_graph=True, allow_unused=True
                )
                squares = [g.flatten(1).square().sum(dim=1) for g in gradients if g is not None]
                norms[:, column] = torch.stack(squares).sum(dim=0).sqrt()
        return norms
