"""The self-scaled Broyden method."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from dgm_core.training.optimizers.quasi_newton import QuasiNewton


class SSBroyden(QuasiNewton):
    """Broyden's family with a dense inverse Hessian that is scaled at every step: P × P numbers a replicate.

    Source: Urbán, Stefanou and Pons (2025), "Unveiling the optimization process of physics informed neural
    networks: How accurate and competitive can PINNs be?"; Al-Baali and Khalfan (2005).
    """

    name = "ssbroyden"

    @classmethod
    def products(cls, points: int, parameters: int) -> float:
        """Those of the update, which memory slows down some 25 times."""
        return 25.0 * parameters**2

    def curvature(self, like: Tensor) -> SelfScaled:
        return SelfScaled(like)

    def first_trial(self, gain: float, slope: float) -> float:
        """The length that lowers a parabola of this slope by the gain of the last step; at most 1.

        H is mostly too large: on the problems here more than half of all trials of length 1 fail.
        Source: Nocedal and Wright (2006), eq. 3.60.
        """
        return min(1.0, 2.0 * gain / -slope)


class SelfScaled:
    """A dense inverse Hessian H (K, P, P) of each of K functions.

    With a step s = −α H g, the gradient's change y along it, B = H⁻¹ and

        b = sᵀBs / sᵀy,   h = yᵀHy / sᵀy,   a = b h − 1,   v = √(yᵀHy) (s / sᵀy − H y / yᵀHy)

    it becomes

        (H − H y yᵀ H / yᵀHy + φ v vᵀ) / τ + s sᵀ / sᵀy

    where φ and τ are functions of b, h and P (`_scales`); φ = τ = 1 is BFGS.
    """

    def __init__(self, like: Tensor) -> None:
        replicates, parameters = like.shape
        self.counts = [0] * replicates
        self._matrix = torch.eye(parameters, dtype=like.dtype, device=like.device).repeat(replicates, 1, 1)
        self._applied = torch.zeros_like(like)  # H g, as it was last given

    def forget(self, k: int) -> None:
        """Makes H of replicate k the identity again."""
        self.counts[k] = 0
        self._matrix[k] = torch.eye(
            self._matrix.shape[1], dtype=self._matrix.dtype, device=self._matrix.device
        )
        self._applied[k] = 0.0

    def update(self, steps: Tensor, changes: Tensor, gradients: Tensor, chosen: list[int]) -> Tensor:
        """Adds the pairs of the chosen replicates and gives H g with them, all (K, P).

        A pair without positive curvature is left out, as in `InverseHessian.update`.
        """
        for k in chosen:
            self._add(k, steps[k], changes[k], gradients[k] - changes[k])
        # One by one: a batched product with single columns takes several times as long.
        products = [torch.mv(matrix, g) for matrix, g in zip(self._matrix, gradients, strict=True)]
        self._applied = torch.stack(products)
        return self._applied.clone()

    def _add(self, k: int, s: Tensor, y: Tensor, before: Tensor) -> None:
        """A pair (P,) of replicate k; before: the gradient where the step began."""
        matrix, applied = self._matrix[k], self._applied[k]
        first = not self.counts[k]
        if first:
            applied = before  # H is the identity
        along = torch.mv(matrix, y)
        vectors = torch.stack([s, along, y, applied, before])
        products = torch.mm(vectors, vectors.T).tolist()  # all that are needed, in one wait
        curvature, square = products[0][2], products[0][0]
        if not curvature > torch.finfo(s.dtype).eps * square > 0.0:
            return
        inner, scale = products[1][2], 1.0
        if first:
            scale = curvature / products[2][2]  # of H; Nocedal and Wright (2006), eq. 6.20
            inner *= scale
        # s is a multiple of −H g, and B s the same multiple of −g.
        length = products[0][3] / (products[3][3] * scale)
        b = length**2 * products[4][3] * scale / curvature
        phi, tau = _scales(b, inner / curvature, len(s))
        # All three dyads in one pass over the matrix, which is what the time goes into.  Each is of a vector
        # with itself, so that the matrix stays symmetric to the last bit.
        dyads = [
            (-1.0 / (inner * tau), 0.0, scale),
            (phi * inner / tau, 1.0 / curvature, -scale / inner),
            (1.0 / curvature, 1.0, 0.0),
        ]
        left = [[math.sqrt(abs(w)) * of_s, math.sqrt(abs(w)) * of_along] for w, of_s, of_along in dyads]
        right = [[x if w > 0.0 else -x for x in row] for (w, _, _), row in zip(dyads, left, strict=True)]
        both = torch.mm(s.new_tensor(left + right), vectors[:2])
        matrix.addmm_(both[:3].T, both[3:], beta=scale / tau)
        self.counts[k] += 1

    def state(self) -> dict[str, Any]:
        """A copy that `restore` reads."""
        return {
            "counts": list(self.counts),
            "matrix": self._matrix.cpu().clone(),
            "applied": self._applied.cpu().clone(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from `state`, in an object that is new."""
        self.counts = list(state["counts"])
        self._matrix.copy_(state["matrix"])
        self._applied.copy_(state["applied"])


def _scales(b: float, h: float, parameters: int) -> tuple[float, float]:
    """φ and τ of `SelfScaled`."""
    a = max(b * h - 1.0, 1e-14)  # positive by the inequality of Cauchy and Schwarz, but for rounding
    c = (a / (1.0 + a)) ** 0.5
    least = min(1.0, h * (1.0 - c))
    theta = max((least - 1.0) / a, min(1.0 / least, (1.0 - b) / b))
    sigma = 1.0 + theta * a
    shrunk = min(1.0, 1.0 / b)
    root = sigma ** (-1.0 / (parameters - 1)) if parameters > 1 else 1.0
    tau = shrunk * min(root, 1.0 / theta) if theta > 0.0 else min(shrunk * root, sigma)
    return (1.0 - theta) / (1.0 + theta * a), tau
