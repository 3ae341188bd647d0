"""References other than a formula: a numerical solution with its check, or a table of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.interpolation import Simplices, Spline
from dgm_core.formulation.regions import Axis
from dgm_core.formulation.table_files import read_columns
from dgm_core.formulation.table_text import Dates, Gaps


class Contains(Protocol):
    """A domain, as far as tables know it."""

    @property
    def axes(self) -> tuple[Axis, ...]: ...
    def contains(self, x: Tensor) -> Tensor: ...


class NumericallySolved(Protocol):
    """A problem with a numerical solution."""

    @property
    def identity(self) -> str: ...
    def solve(self, refinement: int) -> Field: ...


@dataclass(frozen=True)
class Refined:
    """A numerical solution and its coarser one."""

    fine: Field
    coarse: Field

    def difference(self, x: Tensor) -> float:
        """The largest difference between the two at x, relative to the largest value of its own output.

        An output that is smaller than a millionth of the largest is measured by that millionth: next to the
        others it may be rounding.
        """
        fine = self.fine(x).reshape(len(x), -1)
        sizes = fine.abs().amax(dim=0)
        difference = (fine - self.coarse(x).reshape(len(x), -1)).abs().amax(dim=0)
        return float((difference / sizes.clamp_min(1e-6 * float(sizes.max())).clamp_min(1e-300)).max())


_REFINED: WeakKeyDictionary[type, dict[str, Refined]] = WeakKeyDictionary()


def refined(problem: NumericallySolved) -> Refined:
    """Both refinements of a problem's solution, computed once for each class and parameters.

    A class that is defined again, as in a notebook, counts as a new one.
    """
    known = _REFINED.setdefault(type(problem), {})
    key = problem.identity
    if key not in known:
        known[key] = Refined(problem.solve(1), problem.solve(0))
    return known[key]


@dataclass(frozen=True, eq=False)
class Table:
    """Values of a solution (N, q) at points (N, d), float64, as a reference.

    Errors are measured at the table's own points; with `interpolate`, on the problem's own fixed points:
    by a cubic spline over one axis, piecewise linearly over more (outside of the points' hull by the value of
    the nearest point on it).  Linear interpolation has an error of its own, which no training can go below.
    """

    points: Tensor
    values: Tensor
    interpolate: bool = False
    names: tuple[str, ...] = ()
    """Of the columns of the points, where they have been read by name."""

    def __post_init__(self) -> None:
        for name in ("points", "values"):
            given: Any = getattr(self, name)
            try:
                tensor = torch.as_tensor(given, dtype=torch.float64)
            except (TypeError, ValueError) as error:
                raise ConfigurationError(
                    f"the {name} of a table must be numbers, a tensor or an array: {error}."
                ) from error
            # One column may come without its axis.
            object.__setattr__(self, name, tensor[:, None] if tensor.dim() == 1 else tensor)
        if self.points.dim() != 2 or self.values.dim() != 2 or len(self.points) != len(self.values):
            raise ConfigurationError(
                f"a table of points {tuple(self.points.shape)} and values {tuple(self.values.shape)} is not "
                "allowed: they must be (N, d) and (N, q)."
            )
        # By NumPy: a table that an equation reads in each step must not keep the step from being recorded.
        if not all(np.isfinite(tensor.detach().cpu().numpy()).all() for tensor in (self.points, self.values)):
            raise ConfigurationError("the table has values that are not finite.")

    @classmethod
    def read(
        cls,
        path: str | Path,
        inputs: Sequence[str],
        outputs: Sequence[str] = ("u",),
        *,
        interpolate: bool = False,
        gaps: Gaps = "refuse",
        dates: Dates = "refuse",
        decimal: Literal[".", ","] | None = None,
    ) -> Table:
        """Reads a text, Parquet or NumPy file (.csv, .tsv, .txt, .dat, .parquet, .npy, .npz).

        Columns are found by name; in a .npy array (N, d + q) they stand in order, in a .npz file each
        is an array of its name.  Text: see `read_text`; `decimal` says which sign is the decimal one where
        that cannot be seen.  gaps: rows with an empty cell, NaN or "n/a" are refused or left out.  dates:
        refused, or times in that unit since the first of them.  Raises ConfigurationError in one sentence
        where the file cannot be read, lacks a column or holds what is no number, with line and column.
        """
        path = Path(path)
        columns = read_columns(path, [*inputs, *outputs], gaps=gaps, dates=dates, decimal=decimal)
        points = np.stack([columns[name] for name in inputs], axis=1)
        values = np.stack([columns[name] for name in outputs], axis=1)
        return cls(torch.from_numpy(points), torch.from_numpy(values), interpolate, tuple(inputs))

    def inside(self, domain: Contains) -> Table:
        """The table without the points outside of a domain.

        Raises ConfigurationError if no point is left.
        """
        kept = within(domain, self.points)
        if not kept.any():
            raise ConfigurationError(f"no point of the table lies in {domain}.")
        return Table(self.points[kept], self.values[kept], self.interpolate, self.names)

    def __call__(self, x: Tensor) -> Tensor:
        """The values at x (..., d), as (..., q) of the same dtype: differentiable, by torch's operations.

        They may serve as coefficients or data of an equation.  On the table's points they are its own, to
        rounding.
        """
        if x is self.points:
            return self.values
        return self._interpolated(x).to(x.dtype)

    @cached_property
    def _interpolated(self) -> Spline | Simplices:
        points, values = self.points.numpy(), self.values.numpy()
        points, values = _averaged(points, values)
        return Spline.through(points[:, 0], values) if points.shape[1] == 1 else Simplices(points, values)


def _averaged(
    points: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distinct points, with the mean of what was measured at each: a function has one value there."""
    distinct, which = np.unique(points, axis=0, return_inverse=True)
    if len(distinct) == len(points):
        return points, values
    counts = np.bincount(which.ravel())
    sums = np.zeros((len(distinct), values.shape[1]))
    np.add.at(sums, which.ravel(), values)
    return distinct, sums / counts[:, None]


def within(domain: Contains, points: Tensor) -> Tensor:
    """Which of the points (N, d) lie in a domain, (N,): to a millionth of its extent, as files round them."""
    lower = torch.tensor([axis.lower for axis in domain.axes], dtype=points.dtype)
    upper = torch.tensor([axis.upper for axis in domain.axes], dtype=points.dtype)
    centre = (lower + upper) / 2
    return domain.contains(points) | domain.contains(centre + (points - centre) * (1.0 - 1e-6))
