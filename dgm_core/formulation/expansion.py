"""Functions of space as sums of waves: what one time window hands on to the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.formulation.regions import Axis

_TOLERANCE = 1e-8
"""Of a replicate's largest value: how close a sum must come between the nodes it was fitted at."""
_FIRST, _MOST = 16, {1: 128, 2: 48}
"""Waves along each axis: how many are tried first, and the most, by the number of axes."""
_CUTOFF = 1e-12
"""Of the largest singular value, below which a fit leaves a direction out."""

Sample = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Expansion:
    """Functions of some axes as sums of products of waves, one wave for each axis.

    Along an axis [a, b] of length L the waves are 1, cos ωξ, sin ωξ, cos 2ωξ, …, with ξ = x − a.  Where the
    axis is periodic, ω = 2π / L.  Elsewhere ω = π / L: a smooth function on [a, b] has smooth extensions of
    twice the period; least squares find one, and the sum converges geometrically.

    Without axes a sum is a constant.  Source: Boyd (2002), "A comparison of numerical algorithms for Fourier
    extension of the first, second, and third kinds"; Huybrechs (2010), "On the Fourier extension of
    nonperiodic functions".
    """

    axes: tuple[Axis, ...]
    periodic: tuple[str, ...] = ()

    def zeros(self, replicates: int, functions: int) -> Tensor:
        """Coefficients (K, 1, …, s) of functions that are zero, float64."""
        return torch.zeros(replicates, *(1 for _ in self.axes), functions, dtype=torch.float64)

    def fitted(self, sample: Sample) -> Tensor:
        """Coefficients (K, m, …, s), float64, of what `sample` gives at points (n, axes) as (K, n, s).

        Each replicate has as many waves as it needs, up to a limit; those with fewer have zeros for the rest.
        """
        if not self.axes:
            return sample(torch.zeros(1, 0, dtype=torch.float64))[:, 0]
        most = _MOST[len(self.axes)]
        best: list[Tensor | None] = []
        waves = min(_FIRST, most)
        while True:
            coefficients = self._fit(sample, waves)
            between = self._grid(waves, shifted=True)
            wanted = sample(between)
            error = (self(between[None], coefficients) - wanted).abs().amax(dim=(1, 2))
            size = wanted.abs().amax(dim=(1, 2))
            best = best or [None] * len(wanted)
            for k, far in enumerate((error > _TOLERANCE * size).tolist()):
                if best[k] is None and (not far or 2 * waves > most):
                    best[k] = coefficients[k]
            fits = [each for each in best if each is not None]
            if len(fits) == len(best):
                return _padded(fits)
            waves *= 2

    def __call__(self, x: Tensor, coefficients: Tensor) -> Tensor:
        """The functions (K, n, s) at points x (K or 1, n, d ≥ axes), whose first columns are the axes."""
        if not self.axes:
            return coefficients[:, None, :]
        *_, last, functions = coefficients.shape
        first = self._waves(x, 0, coefficients.shape[1])
        if len(self.axes) == 1:
            return torch.matmul(first, coefficients.to(x))
        second = self._waves(x, 1, last)
        columns = []
        for each in range(functions):
            inner = torch.matmul(first, coefficients[..., each].to(x))
            columns.append((inner * second).sum(dim=-1, keepdim=True))
        return columns[0] if functions == 1 else torch.cat(columns, dim=-1)

    def _waves(self, x: Tensor, column: int, count: int) -> Tensor:
        """(K, n, count); a sine is a cosine a quarter of a turn later."""
        number = torch.arange(count, dtype=torch.float64)
        multiple = torch.div(number + 1, 2, rounding_mode="floor")
        turned = -0.5 * math.pi * ((number % 2 == 0) & (number > 0)).double()
        scale = (multiple * self._frequency(column))[None, None].to(x)
        angle = (x[..., column : column + 1] - self.axes[column].lower) * scale
        return torch.cos(angle + turned[None, None].to(x))

    def _frequency(self, column: int) -> float:
        axis = self.axes[column]
        turns = 2.0 if axis.name in self.periodic else 1.0
        return turns * math.pi / (axis.upper - axis.lower)

    def _nodes(self, column: int, waves: int, *, shifted: bool = False) -> Tensor:
        """Places along an axis (n,): even where it is periodic, dense at its ends elsewhere."""
        axis, count = self.axes[column], 4 * waves + 2
        place = (torch.arange(count, dtype=torch.float64) + (1.0 if shifted else 0.5)) / count
        if axis.name not in self.periodic:
            place = 0.5 - 0.5 * torch.cos(math.pi * place)
        return axis.lower + (axis.upper - axis.lower) * place

    def _grid(self, waves: int, *, shifted: bool = False) -> Tensor:
        """All nodes (n, axes), the last axis fastest."""
        places = [self._nodes(column, waves, shifted=shifted) for column in range(len(self.axes))]
        return torch.stack([each.flatten() for each in torch.meshgrid(*places, indexing="ij")], dim=-1)

    def _fit(self, sample: Sample, waves: int) -> Tensor:
        values = sample(self._grid(waves))
        counts = [4 * waves + 2] * len(self.axes)
        values = values.reshape(len(values), *counts, values.shape[-1])
        for column in range(len(self.axes)):
            values = values.movedim(column + 1, 0)
            solved = self._solved(column, waves, values.flatten(1))
            values = solved.reshape(-1, *values.shape[1:]).movedim(0, column + 1)
        return values.contiguous()

    def _solved(self, column: int, waves: int, values: Tensor) -> Tensor:
        """Coefficients (2 waves + 1, …) by least squares from values at the nodes of an axis (n, …).

        On a period the waves are orthogonal at the nodes.  Elsewhere the system is nearly singular, and an
        explicit inverse would lose half of the digits.
        """
        nodes = self._nodes(column, waves)
        points = torch.zeros(len(nodes), len(self.axes), dtype=torch.float64)
        points[:, column] = nodes
        matrix = self._waves(points[None], column, 2 * waves + 1)[0]
        if self.axes[column].name in self.periodic:
            return (matrix.T @ values) / matrix.square().sum(dim=0)[:, None]
        finite = torch.isfinite(values).all(dim=0)
        least = torch.linalg.lstsq(matrix, torch.where(finite, values, 0.0), rcond=_CUTOFF, driver="gelsd")
        return torch.where(finite, least.solution, torch.nan)


def _padded(coefficients: Sequence[Tensor]) -> Tensor:
    """Those of all replicates, (K, m, …, s), with zeros where one has fewer than another."""
    shape = [max(sizes) for sizes in zip(*(each.shape for each in coefficients), strict=True)]
    padded = torch.zeros(len(coefficients), *shape, dtype=torch.float64)
    for k, each in enumerate(coefficients):
        padded[k][tuple(slice(size) for size in each.shape)] = each
    return padded
