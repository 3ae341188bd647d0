"""The curvature that a quasi-Newton method remembers: an inverse Hessian from its last steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class InverseHessian:
    """Of K functions of P variables, each from its own last `memory` pairs of a step s and the
    gradient's change y along it.

    In the compact form, with the pairs as columns of S and Y,

        H = γ I + [S  γY] [[R⁻ᵀ (D + γ YᵀY) R⁻¹, −R⁻ᵀ], [−R⁻¹, 0]] [Sᵀ; γYᵀ]

    where R is the upper triangle of SᵀY, D its diagonal and γ = sᵀy / yᵀy of the newest pair.  It equals
    the recursion of two loops over the pairs, in two passes over them for all K at once.  Without pairs H
    is the identity.

    A replicate's pairs lie in a ring, in which the newest replaces the oldest; replicates add pairs
    at different times.  Slots not yet filled hold zeros, which add nothing.  R⁻¹ is kept rather than R: a new
    pair adds a column to it, with the oldest a row and a column go, and the rest stays as it is, in whatever
    order the slots are.

    Source: Byrd, Nocedal and Schnabel (1994); Nocedal and Wright (2006), eq. 7.24 and algorithm 7.4.
    """

    def __init__(self, like: Tensor, memory: int) -> None:
        """like: (K, P), for its shape, dtype and device."""
        replicates, parameters = like.shape
        self.memory = memory
        self.counts = [0] * replicates
        """Pairs that each replicate has added since it last forgot them."""
        self._s = like.new_zeros(replicates, memory, parameters)
        self._y = like.new_zeros(replicates, memory, parameters)
        self._sy = like.new_zeros(replicates, memory, 1)  # D
        self._inverse = like.new_zeros(replicates, memory, memory)  # R⁻¹
        self._yy = like.new_zeros(replicates, memory, memory)
        self._scale = like.new_ones(replicates, 1, 1)  # γ

    def forget(self, k: int) -> None:
        """Makes H of replicate k the identity again."""
        self.counts[k] = 0
        for history in (self._s, self._y, self._sy, self._inverse, self._yy):
            history[k] = 0.0
        self._scale[k] = 1.0

    def update(self, steps: Tensor, changes: Tensor, gradients: Tensor, chosen: list[int]) -> Tensor:
        """Adds the pairs of the chosen replicates and gives H g with them, all (K, P).

        A pair without positive curvature is left out: it would make H indefinite.  Rounding can make
        one where the strong Wolfe conditions, which exclude it, hold no more.
        """
        rows, slots = self._store(steps, changes, chosen)
        used = self._used
        if not used:
            return gradients.clone()
        both = torch.stack([changes, gradients], dim=1)  # rows: a product with two columns takes much longer
        with_s = torch.bmm(both, self._s[:, :used].mT)  # (K, 2, used)
        with_y = torch.bmm(both, self._y[:, :used].mT)
        self._extend(rows, slots, with_s[:, 0], with_y[:, 0])
        of_s, of_y = self._coefficients(with_s[:, 1, :, None], with_y[:, 1, :, None])
        directions = (self._scale[:, 0] * gradients).unsqueeze(1)
        directions.baddbmm_(of_s.mT, self._s[:, :used])
        directions.baddbmm_(of_y.mT, self._y[:, :used])
        return directions[:, 0]

    def _store(self, steps: Tensor, changes: Tensor, chosen: list[int]) -> tuple[Tensor, Tensor]:
        """Puts the pairs into their rings: the replicates that got one, and its slot in each."""
        products = torch.stack([torch.linalg.vecdot(vectors, changes) for vectors in (steps, changes)])
        curvature, square = products.tolist()
        least = torch.finfo(steps.dtype).eps
        kept = [k for k in chosen if curvature[k] > least * square[k] > 0.0]
        rows = torch.tensor(kept, dtype=torch.long, device=steps.device)
        slots = torch.tensor([self.counts[k] % self.memory for k in kept], dtype=torch.long).to(rows)
        self._s[rows, slots] = steps[rows]
        self._y[rows, slots] = changes[rows]
        self._sy[rows, slots, 0] = products[0, rows]
        self._scale[rows, 0, 0] = products[0, rows] / products[1, rows]
        for k in kept:
            self.counts[k] += 1
        return rows, slots

    def _extend(self, rows: Tensor, slots: Tensor, with_s: Tensor, with_y: Tensor) -> None:
        """Takes the newest pairs into R⁻¹ and YᵀY, from Sᵀy and Yᵀy with them, each (K, used)."""
        used = self._used
        self._inverse[rows, slots] = 0.0
        self._inverse[rows, :, slots] = 0.0
        column = torch.bmm(self._inverse[:, :used, :used], with_s.unsqueeze(2))[rows, :, 0]
        curvature = self._sy[rows, slots]
        self._inverse[rows, :used, slots] = -column / curvature
        self._inverse[rows, slots, slots] = 1.0 / curvature[:, 0]
        self._yy[rows, :used, slots] = with_y[rows]
        self._yy[rows, slots, :used] = with_y[rows]

    def _coefficients(self, with_s: Tensor, with_y: Tensor) -> tuple[Tensor, Tensor]:
        """Those of S and Y in H g, each (K, used, 1) as Sᵀg and Yᵀg are."""
        used = self._used
        inverse, yy = self._inverse[:, :used, :used], self._yy[:, :used, :used]
        inner = torch.bmm(inverse, with_s)
        right = self._sy[:, :used] * inner + self._scale * (torch.bmm(yy, inner) - with_y)
        return torch.bmm(inverse.mT, right), -self._scale * inner

    @property
    def _used(self) -> int:
        """Slots that some replicate has filled."""
        return min(self.memory, max(self.counts))

    def state(self) -> dict[str, Any]:
        """A copy that `restore` reads, of the slots in use."""
        used = self._used
        return {
            "counts": list(self.counts),
            "s": self._s[:, :used].cpu().clone(),
            "y": self._y[:, :used].cpu().clone(),
            "sy": self._sy[:, :used].cpu().clone(),
            "inverse": self._inverse[:, :used, :used].cpu().clone(),
            "yy": self._yy[:, :used, :used].cpu().clone(),
            "scale": self._scale.cpu().clone(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`, in an object that is new."""
        self.counts = list(state["counts"])
        used = self._used
        self._s[:, :used] = state["s"]
        self._y[:, :used] = state["y"]
        self._sy[:, :used] = state["sy"]
        self._inverse[:, :used, :used] = state["inverse"]
        self._yy[:, :used, :used] = state["yy"]
        self._scale.copy_(state["scale"])
