"""SOAP: Adam in the eigenvectors of Shampoo's preconditioner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from dgm_core.training.optimizers.base import Stepwise

_EVERY = 10
"""Steps from one look at the eigenvectors to the next."""


class SOAP(Stepwise):
    """Adam that runs in the eigenvectors of the running means of G Gᵀ and Gᵀ G of each weight matrix.

    They turn by one step of an orthogonal iteration every 10 steps.  Biases and vectors take Adam's
    step.  The first gradient sets the eigenvectors and nothing else, as in the source.

    Source: Vyas et al. (2025), "SOAP: improving and stabilizing Shampoo using Adam", algorithms 3 and 4; Wang
    et al. (2025) for networks that solve differential equations.
    """

    name = "soap"
    defaults: ClassVar[Mapping[str, float]] = {"beta1": 0.95, "beta2": 0.95}
    replayable: ClassVar[bool] = False  # some steps do more than others

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state = {
            "step": torch.zeros((), dtype=torch.int64),
            "mean": torch.zeros_like(self.values),
            "square": torch.zeros_like(self.values),
        }
        for i, matrix in enumerate(self.matrices(self.values.detach())):
            if matrix is not None:
                for side, size in zip("lr", matrix.shape[1:], strict=True):
                    zeros = matrix.new_zeros(len(matrix), size, size)
                    self.state[f"{side}{i}"] = zeros
                    self.state[f"q{side}{i}"] = zeros.clone()

    @torch.no_grad()
    def step(self) -> None:
        count, g = int(self.state["step"]), self._gradient
        self.state["step"].add_(1)
        if count == 0:
            self._gather(g)
            for i, matrix in enumerate(self.matrices(g)):
                for side in "lr" if matrix is not None else "":
                    self.state[f"q{side}{i}"].copy_(torch.linalg.eigh(self.state[f"{side}{i}"])[1].flip(-1))
            return
        beta1, beta2 = self.options["beta1"], self.options["beta2"]
        mean, square = self.state["mean"], self.state["square"]
        mean.lerp_(g, 1.0 - beta1)
        turned = self._turned(g)
        square.mul_(beta2).addcmul_(turned, turned, value=1.0 - beta2)
        root = (square / (1.0 - beta2**count)).sqrt_().add_(1e-8)
        update = self._turned(mean) / (1.0 - beta1**count) / root
        self.values.sub_(self._turned(update, back=True) * self.rate)
        self._gather(g)
        if count % _EVERY == 0:
            self._turn()

    def _gather(self, g: Tensor) -> None:
        """Takes a gradient (K, P) into the running means of G Gᵀ and Gᵀ G."""
        share = 1.0 - self.options["beta2"]
        for i, matrix in enumerate(self.matrices(g)):
            if matrix is not None:
                self.state[f"l{i}"].lerp_(torch.bmm(matrix, matrix.mT), share)
                self.state[f"r{i}"].lerp_(torch.bmm(matrix.mT, matrix), share)

    def _turned(self, flat: Tensor, *, back: bool = False) -> Tensor:
        """A tensor (K, P) in the eigenvectors' coordinates, or back from them."""
        turned = flat.clone()
        for i, matrix in enumerate(self.matrices(turned)):
            if matrix is not None:
                left, right = self.state[f"ql{i}"], self.state[f"qr{i}"]
                left, right = (left, right.mT) if back else (left.mT, right)
                matrix.copy_(left @ matrix @ right)
        return turned

    def _turn(self) -> None:
        """One step of the orthogonal iteration, the columns kept in the order of their eigenvalues."""
        for i, matrix in enumerate(self.matrices(self.state["square"])):
            for axis, side in enumerate("lr" if matrix is not None else "", 1):
                assert matrix is not None
                mean, basis = self.state[f"{side}{i}"], self.state[f"q{side}{i}"]
                product = torch.bmm(mean, basis)
                order = (basis * product).sum(dim=1).argsort(dim=1, descending=True)
                columns = order.unsqueeze(1).expand_as(basis)
                basis.copy_(torch.linalg.qr(product.gather(2, columns))[0])
                rows = order.unsqueeze(3 - axis).expand_as(matrix)
                matrix.copy_(matrix.gather(axis, rows))
