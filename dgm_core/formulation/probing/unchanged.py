"""Whether equation and conditions leave the values and derivatives that they are given as they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dgm_core.calculus import Automatic
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.probing.probed import Points, Probed, Waves, residuals_of


def check_unchanged(problem: Probed, points: Points) -> None:
    """Refuses a change in place of what y gives: others see it, and what is carried forward forbids it."""
    field = _Lending(problem)
    residuals_of(problem, field, points)
    if not all(torch.equal(tensor.nan_to_num(), copy.nan_to_num()) for tensor, copy in field.lent):
        raise ConfigurationError(
            f"the equation or a condition of {problem.name} changes values or derivatives of y in place, by "
            "`-=`, `*=`, `[…] =` or a function such as `add_`: write r = r - … in place of r -= …, and "
            "torch.where(condition, a, b) in place of an assignment."
        )


class _Lending(Waves):
    """A field that notes what is asked of it, with a copy."""

    def __init__(self, problem: Probed) -> None:
        super().__init__(problem)
        self.lent: list[tuple[Tensor, Tensor]] = []

    def derivatives(self, x: Tensor, axes: Sequence[str]) -> Automatic:
        """Those of the waves at x (K, n, d)."""
        return _Lent(self, x, axes)


class _Lent(Automatic):
    def __init__(self, field: _Lending, x: Tensor, axes: Sequence[str]) -> None:
        super().__init__(field, x, axes)
        self._lent = field.lent
        self._lent.append((self.value, self.value.detach().clone()))

    def partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        given = super().partial(output, path)
        self._lent.append((given, given.detach().clone()))
        return given
