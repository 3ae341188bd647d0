"""Energies: integrals that a solution makes as small as its boundary values allow."""

from __future__ import annotations

from numbers import Number
from typing import Any, NamedTuple

from torch import Tensor

from dgm_core.formulation.conditions import joined


class Energy(NamedTuple):
    """The density ½ |q|² + r of an energy, at points (K, n, d).

    For −Δu = f it is ½ |∇u|² − f u: `Energy(y.gradient(), -f * y.value)`.

    quadratic: q, (K, n, c), or a tuple of components (K, n, 1), linear in the field and its derivatives.
    ∫ q(v)·q(w) is the inner product of the energy natural gradient.  rest: r, (K, n, 1) or a number, in which
    the metric has no part.

    Source: E and Yu (2018), "The Deep Ritz method"; Müller and Zeinhofer (2023), "Achieving High Accuracy
    with PINNs via Energy Natural Gradient Descent".
    """

    quadratic: Tensor
    rest: Tensor

    @property
    def density(self) -> Tensor:
        """½ |q|² + r, (K, n, 1)."""
        return 0.5 * self.quadratic.square().sum(dim=-1, keepdim=True) + self.rest

    @classmethod
    def of(cls, given: Any, value: Tensor) -> Any:
        """What a problem's `energy` returned, its tuples and numbers as tensors; else what it is.

        value: of the field, (K, n, q), what a number is spread over.
        """
        if not isinstance(given, cls):
            return given
        rest = (given.rest,) if isinstance(given.rest, Number) else given.rest
        return cls(joined(given.quadratic, value), joined(rest, value))
