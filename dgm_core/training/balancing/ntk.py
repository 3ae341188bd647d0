"""Balance by the neural tangent kernel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from dgm_core.training.balancing.base import TermBalancer
from dgm_core.training.jacobian import Jacobian
from dgm_core.training.loss import Loss


class NTK(TermBalancer):
    """Every term falls at the same pace: λ̂ᵢ = Σⱼ tr Kⱼ / tr Kᵢ, the traces as means over the points.

    tr Kᵢ is the sum of squares of term i's rows of the Jacobian, which cost one reverse pass.  Source: Wang,
    Yu and Perdikaris (2022), "When and why PINNs fail to train: a neural tangent kernel perspective", section
    7; the means as in Wang et al. (2023), "An expert's guide to training physics-informed neural networks".
    """

    of_squares = True
    _jacobian: Jacobian | None = None

    def sizes(self, points: Mapping[str, Tensor]) -> Tensor:
        if self._jacobian is None:
            nested = Loss(self.piece.problem, self.config, carry=False)
            self._jacobian = Jacobian(
                self.piece,
                self.piece.network,
                lambda: self.loss.residuals(self.piece, points),
                lambda: nested.residuals(self.piece, points),
            )
        with torch.enable_grad():
            lengths = [residual[0].numel() for residual in self.loss.residuals(self.piece, points)]
        rows = self._jacobian()
        squares = torch.cat([part.square().sum(dim=2) for _, part in rows.chunks()], dim=1)  # (K, N)
        sizes = squares.new_zeros(len(squares), len(self.loss.terms))
        for column, columns in zip(self.loss.weighed, squares.split(lengths, dim=1), strict=True):
            sizes[:, column] = columns.sum(dim=1) / self.loss.weights[column]
        return sizes

    @property
    def note(self) -> str | None:
        if self._jacobian is None or not self._jacobian.slow:
            return None
        return (
            "the neural tangent kernel is made residual by residual, many times slower: the network has "
            "parameters outside of layers that can be tapped, or its derivatives are not carried"
        )
