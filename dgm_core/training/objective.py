"""The loss of one piece at given points, as functions of its flat parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from dgm_core.tape import Repeated
from dgm_core.training.config import TrainConfig
from dgm_core.training.jacobian import Jacobian
from dgm_core.training.loss import Loss
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.regularisation import Penalty
from dgm_core.training.rows import Rows, flattened
from dgm_core.training.solution import Piece


class PieceObjective:
    """K losses as functions of the parameters (K, P) of a piece, penalties included.

    points: term -> (K, n, d), changed in place where they are redrawn.  `terms` holds those of the last look,
    (K, T). Each look leaves the piece with the parameters that were looked at.
    """

    def __init__(
        self,
        piece: Piece,
        flat: FlatParameters,
        config: TrainConfig,
        points: Mapping[str, Tensor],
        *,
        carry: bool = True,
        untrained: Callable[[], Piece] | None = None,
    ) -> None:
        self.loss = Loss(piece.problem, config, fixed_points=True, carry=carry, untrained=untrained)
        self._energetic = config.formulation == "energy"
        self._nested = Loss(piece.problem, config, fixed_points=True, carry=False)
        self._piece = piece
        self._flat = flat
        self._points = points
        self._penalty = Penalty(piece.network, config.l1, config.l2) if config.l1 or config.l2 else None
        self._differentiate = Repeated(self._differentiated)
        self._look = Repeated(self._looked)
        self._residuals = Repeated(self._flattened)
        self._jacobian: Jacobian | None = None
        self.terms = flat.values.new_zeros(len(flat.values), len(self.loss.terms))

    def differentiated(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """The losses (K,) and their gradients (K, P) at `parameters`."""
        self.write(parameters)
        (total, terms), gradients = self._differentiate(), self._flat.gradients.clone()
        values = total.clone()
        self.terms = terms.clone()
        if self._penalty is not None:
            values = values + self._penalty.value(parameters)
            gradients += self._penalty.gradient(parameters)
        return values, gradients

    def value(self, parameters: Tensor) -> Tensor:
        """The losses (K,) at `parameters`."""
        self.write(parameters)
        total, terms = self._look()
        values = total.clone()
        self.terms = terms.clone()
        return values if self._penalty is None else values + self._penalty.value(parameters)

    def residuals(self, parameters: Tensor) -> Tensor:
        """The weighted residuals (K, N) at `parameters`, as `linearised` has them."""
        self.write(parameters)
        return self._residuals().clone()

    def linearised(self, parameters: Tensor) -> Rows:
        """The weighted residuals (K, N) and their Jacobian at `parameters`; of an energy, its quadratic
        part."""
        function: tuple[Tensor, Tensor] | None = None
        if self._energetic:
            values, gradients = self.differentiated(parameters)
            function = values, gradients / 2.0
        self.write(parameters)
        if self._jacobian is None:
            self._jacobian = Jacobian(
                self._piece,
                self._piece.network,
                lambda: self.loss.residuals(self._piece, self._points),
                lambda: self._nested.residuals(self._piece, self._points),
            )
        rows = self._jacobian()
        rows.function = function
        return rows

    @property
    def slow(self) -> bool:
        """Whether the Jacobian is made residual by residual; False before the first one."""
        return self._jacobian is not None and self._jacobian.slow

    @property
    def unrecorded(self) -> str | None:
        """Why looks at the loss take longer than they could; None where they do not (see `Repeated`)."""
        if self.slow:
            return (
                "the Jacobian is made residual by residual, many times slower: the network has parameters "
                "outside of layers that can be tapped, or its derivatives are not carried"
            )
        return self._differentiate.unrecorded or self._look.unrecorded or self._residuals.unrecorded

    @property
    def operations(self) -> int | None:
        """Of a replayed look with gradients; None where it is not replayed."""
        return self._differentiate.operations

    def write(self, parameters: Tensor) -> None:
        """Puts parameters into the piece."""
        with torch.no_grad():
            self._flat.values.copy_(parameters)

    def _differentiated(self) -> tuple[Tensor, Tensor]:
        total, terms = self.loss(self._piece, self._points)
        self._flat.backward(total.sum())
        return total.detach(), terms.detach()

    def _flattened(self) -> Tensor:
        with torch.no_grad():
            return flattened(self.loss.residuals(self._piece, self._points))

    def _looked(self) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            return self.loss(self._piece, self._points)
