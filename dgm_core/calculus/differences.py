"""Derivatives from a field's values alone, which no network can fake."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dgm_core.calculus.operators import Derivatives, Field

STEP = 1e-2
"""Of a stencil, in lengths of the axis.  Coarse on purpose: a kink counts wherever a stencil spans it."""

_FIRST = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
_SECOND = {-2: -1 / 12, -1: 16 / 12, 0: -30 / 12, 1: 16 / 12, 2: -1 / 12}

Stencil = dict[tuple[int, ...], float]
"""Offset in steps along each axis -> weight."""


class FiniteDifferences(Derivatives):
    """Central differences of fourth order, float64, without a graph.

    The second derivative that automatic differentiation gives of a network of ReLUs is zero almost
    everywhere, so that its residual vanishes where the equation has no other term; a stencil sees the
    kinks.  The error of a first derivative is h⁴ u⁽⁵⁾/30, of a second h⁴ u⁽⁶⁾/90, with h = 1e-2 lengths of
    the axis; higher and mixed ones are compositions.  Stencils reach two steps beyond their point for
    each pair of derivatives.  Source: Fornberg (1988), table 1.
    """

    def __init__(self, field: Field, x: Tensor, axes: Sequence[str], lengths: Sequence[float]) -> None:
        self.x = x.detach().double()
        self.axes = tuple(axes)
        self._field = field
        self._steps = torch.tensor(
            [STEP * length for length in lengths], dtype=torch.float64, device=x.device
        )
        self.value = self._at(self.x)

    def partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        if not path:
            return self.value[..., output : output + 1]
        stencil: Stencil = {(0,) * len(self.axes): 1.0}
        for column in sorted(set(path)):
            pairs, single = divmod(path.count(column), 2)
            for factor in [_SECOND] * pairs + [_FIRST] * single:
                stencil = _composed(stencil, factor, column)
        offsets = torch.tensor(list(stencil), dtype=torch.float64, device=self.x.device) * self._steps
        weights = torch.tensor(list(stencil.values()), dtype=torch.float64, device=self.x.device)
        scale = torch.stack([self._steps[column] for column in path]).prod()
        return self._weighed(offsets, weights, output) / scale

    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        shape = (*self.x.shape[:2], *directions.shape[2:])
        lines = directions.double().expand(shape)
        # A step of 1 along v moves each axis by its share of v; the smallest axis sets the length.
        step = self._steps.min()
        stencil: Stencil = {(0,): 1.0}
        pairs, single = divmod(order, 2)
        for factor in [_SECOND] * pairs + [_FIRST] * single:
            stencil = _composed(stencil, factor, 0)
        total = torch.zeros(shape[:3], dtype=torch.float64, device=self.x.device)
        for (offset,), weight in stencil.items():
            moved = (self.x[:, :, None] + offset * step * lines).flatten(1, 2)
            total += weight * self._at(moved)[..., output].reshape(shape[:3])
        return total / step**order

    def _weighed(self, offsets: Tensor, weights: Tensor, output: int) -> Tensor:
        moved = self.x[:, :, None] + offsets  # (K, n, s, d)
        values = self._at(moved.flatten(1, 2))[..., output].reshape(moved.shape[:3])
        return (values @ weights).unsqueeze(-1)

    def _at(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self._field(x).double()


class Differenced:
    """A field that brings finite differences of its values in place of its derivatives.

    lengths: of the axes, in the problem's units.
    """

    def __init__(self, field: Field, lengths: Sequence[float]) -> None:
        self._field = field
        self._lengths = tuple(lengths)

    def __call__(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self._field(x)

    def derivatives(self, x: Tensor, axes: Sequence[str]) -> FiniteDifferences:
        """Those of the field at x (K, n, d)."""
        return FiniteDifferences(self._field, x, axes, self._lengths)


def _composed(stencil: Stencil, factor: dict[int, float], column: int) -> Stencil:
    composed: Stencil = {}
    for offsets, weight in stencil.items():
        for step, step_weight in factor.items():
            moved = (*offsets[:column], offsets[column] + step, *offsets[column + 1 :])
            composed[moved] = composed.get(moved, 0.0) + weight * step_weight
    return composed
