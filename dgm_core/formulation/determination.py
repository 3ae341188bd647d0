"""Whether equation and conditions determine the solution: is there a smooth field that no term notices?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.calculus.precision import precision
from dgm_core.formulation.quadrature import sobol_set
from dgm_core.formulation.regions import Region
from dgm_core.formulation.scales import parts_of, scales_of, wave
from dgm_core.formulation.trained import Known
from dgm_core.random_streams import stream

DEGREES = {1: 24, 2: 9, 3: 5}
"""Of the polynomials along each axis, by the number of axes; of more axes there would be too many."""
LOW_DEGREES = {1: 24, 2: 4, 3: 3}
"""Enough for fields that are exactly unnoticed, such as constants, at a tenth of the cost."""
UNNOTICED = 1e-9
"""Share of a wrong field's residuals that is rounding."""

_STEP = 1e-4
"""Of differences, relative to the size of what is changed."""
_ALIKE = 1e-4
"""Polynomials are as good as dependent on a domain where their combination is this small there."""
_MOST = 3e6
"""Evaluations of the field beyond which nothing is computed: seconds."""
_AT_ONCE = 2e5


@dataclass(frozen=True)
class Determination:
    """How far the terms of a problem notice a change of its solution and of its trained constants.

    field: the least that all terms together change by when a smooth field as large as the solution is added,
    in units of their sizes for a wrong field (see `Scales`): around 1 where it is determined, and rounding
    where it is not.  outputs: those that this field moves.  shifts: those to which a constant can be added
    unnoticed.  constants: likewise the least for a change of the trained constants by their own sizes, while
    the field adapts itself; inf without any.  direction: that change, relative, by name.
    """

    field: float
    outputs: tuple[str, ...]
    shifts: tuple[str, ...]
    constants: float = math.inf
    direction: Mapping[str, float] = dataclasses.field(default_factory=dict)


def determination(
    problem: Any,
    *,
    degrees: Mapping[int, int] = DEGREES,
    around: Field | None = None,
    constants: Mapping[str, float] | None = None,
) -> Determination | None:
    """Linearises all terms, and looks for the polynomials that change them least.

    around: the field at which they are linearised, (K, n, d) -> (K, n, q); by default waves of the outputs'
    sizes.  constants: the values of trained constants there, by default where they start.  None where the
    problem has too many axes or too many points, or a residual is not finite there.
    """
    axes = len(problem.inputs)
    if axes not in degrees:
        return None
    with precision(torch.float64):
        return _Linearised(problem, degrees[axes], around, constants).determination()


class _Linearised:
    """The terms of a problem as linear functions of polynomials and of its constants."""

    def __init__(
        self, problem: Any, degree: int, around: Field | None, constants: Mapping[str, float] | None
    ) -> None:
        self._whole, self._problem, self._degree = problem, problem.accurate(), degree
        trained = type(problem).trained()
        starts = {name: constant.start_of(problem) for name, constant in trained.items()}
        self._constants = {**starts, **(constants or {})}
        self._scales = scales_of(problem)
        self._sizes = torch.tensor(self._scales.sizes, dtype=torch.float64)
        self._lower = torch.tensor([axis.lower for axis in problem.inputs], dtype=torch.float64)
        self._upper = torch.tensor([axis.upper for axis in problem.inputs], dtype=torch.float64)
        self._powers = _powers(len(problem.inputs), degree)
        self._around = around or self._waving
        count = len(self._powers)
        self._points: dict[str, Tensor] = {}  # term -> (1, n, d)
        for number, (term, region) in enumerate(self._problem.regions().items()):
            self._points[term] = _spread(region, 10 + (16 * count // 10 if number == 0 else 4 * degree))

    def determination(self) -> Determination | None:
        outputs, count = len(self._sizes), len(self._powers)
        columns = outputs * count + len(self._constants)
        evaluated = self._evaluations()
        if 2 * columns * evaluated > _MOST:
            return None
        step = max(1, int(_AT_ONCE / (2 * evaluated)))
        wanted = [range(i, min(i + step, columns)) for i in range(0, columns, step)]
        jacobian = torch.cat([self._changes(some) for some in wanted]).T  # (N, columns)
        if not bool(torch.isfinite(jacobian).all()):
            return None
        basis = self._independent()  # (count, m)
        of_field = torch.cat(
            [jacobian[:, i * count : (i + 1) * count] @ basis for i in range(outputs)], dim=1
        )
        _, sizes, right = torch.linalg.svd(of_field, full_matrices=False)
        share = right[-1].reshape(outputs, -1).norm(dim=1)
        names = self._problem.outputs
        shifts = [i for i in range(outputs) if float(jacobian[:, i * count].norm()) < UNNOTICED]
        least, direction = self._of_constants(of_field, jacobian[:, outputs * count :])
        return Determination(
            field=float(sizes[-1]),
            outputs=tuple(name for name, moved in zip(names, share.tolist(), strict=True) if moved > 0.1),
            shifts=tuple(names[i] for i in shifts),
            constants=least,
            direction=direction,
        )

    def _of_constants(self, of_field: Tensor, of_constants: Tensor) -> tuple[float, dict[str, float]]:
        """What is left of the constants' columns beyond those of the field."""
        if not self._constants:
            return math.inf, {}
        left, sizes, _ = torch.linalg.svd(of_field, full_matrices=False)
        span = left[:, sizes > UNNOTICED * sizes[0]]
        rest = of_constants - span @ (span.T @ of_constants)
        _, least, right = torch.linalg.svd(rest, full_matrices=False)
        return float(least[-1]), dict(zip(self._constants, right[-1].tolist(), strict=True))

    def _changes(self, columns: range) -> Tensor:
        """What the unit change of each column does to all residuals, (columns, N), by central differences."""
        count, replicates = len(columns), 2 * len(columns)
        chosen = torch.zeros(len(self._lower), replicates, self._degree + 1, 1, dtype=torch.float64)
        moved = torch.zeros(replicates, 1, len(self._sizes), dtype=torch.float64)
        values = {
            name: torch.full((replicates, 1, 1), value, dtype=torch.float64)
            for name, value in self._constants.items()
        }
        fields = len(self._sizes) * len(self._powers)
        for place, column in enumerate(columns):
            for row, sign in ((place, _STEP), (place + count, -_STEP)):
                if column < fields:
                    output, power = divmod(column, len(self._powers))
                    moved[row, 0, output] = sign * self._sizes[output]
                    for axis, degree in enumerate(self._powers[power]):
                        chosen[axis, row, degree] = 1.0
                else:
                    name = list(self._constants)[column - fields]
                    values[name][row] += sign * (abs(self._constants[name]) or 1.0)

        def changed(x: Tensor) -> Tensor:
            product = moved
            for axis, degrees in enumerate(_chebyshev(self._position(x), self._degree)):
                product = product * (degrees @ chosen[axis])
            return self._around(x) + product

        residuals = self._residuals(changed, values, replicates)
        rows = []
        for term, residual in residuals.items():
            size = torch.tensor(self._scales.terms[term], dtype=torch.float64)
            each = parts_of(residual)[0].detach() / size / math.sqrt(residual_count(residual))
            rows.append(((each[:count] - each[count:]) / (2.0 * _STEP)).flatten(1))
        return torch.cat(rows, dim=1)

    def _residuals(self, u: Field, values: Mapping[str, Tensor], replicates: int) -> dict[str, Any]:
        problem = self._problem.bound(Known(values)) if values else self._problem
        points = {term: x.expand(replicates, -1, -1).contiguous() for term, x in self._points.items()}
        with torch.enable_grad():
            residuals: dict[str, Any] = problem.residuals(u, points)
        return residuals

    def _evaluations(self) -> int:
        """At how many points the terms look at the field, those of integrals included."""
        seen = 0

        def counting(x: Tensor) -> Tensor:
            nonlocal seen
            seen += x.shape[1]
            return self._waving(x)

        values = {n: torch.full((1, 1, 1), v, dtype=torch.float64) for n, v in self._constants.items()}
        self._residuals(counting, values, 1)
        return seen

    def _independent(self) -> Tensor:
        """Combinations (count, m) of the polynomials, of size one on the domain and its edges."""
        x = torch.cat([points[0] for points in self._points.values()])
        degrees = _chebyshev(self._position(x), self._degree)
        values = torch.stack(
            [
                math.prod(
                    (degrees[axis][:, degree] for axis, degree in enumerate(power)), start=torch.ones(1)
                )
                for power in self._powers
            ],
            dim=1,
        )
        _, sizes, right = torch.linalg.svd(values / math.sqrt(len(x)), full_matrices=False)
        kept = sizes > _ALIKE * sizes[0]
        return right[kept].T / sizes[kept]

    def _position(self, x: Tensor) -> Tensor:
        """In [−1, 1] along each axis."""
        return 2.0 * (x - self._lower) / (self._upper - self._lower) - 1.0

    def _waving(self, x: Tensor) -> Tensor:
        waves = [wave(self._whole.inputs, 1.0, 0.5 + 0.7 * i)(x) for i in range(len(self._sizes))]
        return torch.tensor(self._scales.centres, dtype=torch.float64) + self._sizes * torch.cat(
            waves, dim=-1
        )


def residual_count(residual: Any) -> int:
    """The number of points at which a residual is taken."""
    return int(parts_of(residual)[0].shape[1])


def _powers(axes: int, degree: int) -> list[tuple[int, ...]]:
    """The degrees along each axis of the products of polynomials; those of high total degree are left out."""
    grid = torch.cartesian_prod(*[torch.arange(degree + 1)] * axes).reshape(-1, axes)
    most = degree * (1.0 if axes == 1 else 1.4)
    return [tuple(powers) for powers in grid.tolist() if sum(powers) <= most]


def _chebyshev(x: Tensor, degree: int) -> list[Tensor]:
    """Chebyshev's polynomials along each axis, (..., degree + 1), of positions (..., d) in [−1, 1]."""
    products = []
    for along in x.split(1, dim=-1):
        values = [torch.ones_like(along), along]
        for _ in range(degree - 1):
            values.append(2.0 * along * values[-1] - values[-2])
        products.append(torch.cat(values[: degree + 1], dim=-1))
    return products


def _spread(region: Region, count: int) -> Tensor:
    """Points (1, n, d) of a region that crowd towards its edges, as polynomials need them."""

    def sampler(batches: int, n: int, m: int, generator: torch.Generator) -> Tensor:
        even = (sobol_set(n, m) + 0.5 / n) % 1.0
        return (0.5 - 0.5 * torch.cos(math.pi * even)).expand(batches, n, m)

    return region.draw(sampler, 1, region.count(count), stream(0, "determination"))
