"""References that are no formula: a numerical solution with its own check, or a table of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.interpolation import Linear, Spline


class Solved(Protocol):
    """A problem with a numerical solution."""

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


_REFINED: dict[str, Refined] = {}


def refined(problem: Solved) -> Refined:
    """Both refinements of a problem's solution, computed once for each class and parameters."""
    key = f"{type(problem).__module__} {problem!r}"
    if key not in _REFINED:
        _REFINED[key] = Refined(problem.solve(1), problem.solve(0))
    return _REFINED[key]


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

    def __post_init__(self) -> None:
        if self.points.dim() != 2 or self.values.dim() != 2 or len(self.points) != len(self.values):
            raise ConfigurationError(
                f"a table of points {tuple(self.points.shape)} and values {tuple(self.values.shape)} is not "
                "allowed: they must be (N, d) and (N, q)."
            )
        # By NumPy: a table that an equation reads in each step must not keep the step from being recorded.
        if not all(np.isfinite(one.detach().cpu().numpy()).all() for one in (self.points, self.values)):
            raise ConfigurationError("a table with values that are not finite is not allowed.")

    @classmethod
    def read(
        cls,
        path: str | Path,
        inputs: Sequence[str],
        outputs: Sequence[str] = ("u",),
        *,
        interpolate: bool = False,
    ) -> Table:
        """Reads a CSV, Parquet or NumPy file (.csv, .parquet, .npy, .npz).

        Columns are found by name; in a .npy array (N, d + q) they stand in order, in a .npz file each
        is an array of its name.  Raises ConfigurationError in one sentence where the file cannot be
        read or lacks a column.
        """
        path = Path(path)
        columns = _columns(path, [*inputs, *outputs])
        points = np.stack([columns[name] for name in inputs], axis=1)
        values = np.stack([columns[name] for name in outputs], axis=1)
        return cls(torch.from_numpy(points), torch.from_numpy(values), interpolate)

    def __call__(self, x: Tensor) -> Tensor:
        """The values at x (..., d), as (..., q) of the same dtype: differentiable, by torch's operations.

        They may serve as coefficients or data of an equation.  On the table's points they are its own, to
        rounding.
        """
        if x is self.points:
            return self.values
        return self._interpolated(x).to(x.dtype)

    @cached_property
    def _interpolated(self) -> Spline | Linear:
        points, values = self.points.numpy(), self.values.numpy()
        return Spline.through(points[:, 0], values) if points.shape[1] == 1 else Linear(points, values)


def _columns(path: Path, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    try:
        found = _read(path, names)
    except OSError as error:
        raise ConfigurationError(f"the table {path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"the table {path} cannot be read: {error}.") from None
    for name in names:
        if name not in found:
            raise ConfigurationError(
                f"the table {path} has no column {name!r}: it has {', '.join(sorted(found))}."
            )
    return {name: np.asarray(found[name], dtype=np.float64).ravel() for name in names}


def _read(path: Path, names: Sequence[str]) -> dict[str, Any]:
    match path.suffix.lower():
        case ".csv":
            import pyarrow.csv

            table = pyarrow.csv.read_csv(path)
            return {name: table[name].to_numpy() for name in table.column_names}
        case ".parquet":
            import pyarrow.parquet

            table = pyarrow.parquet.read_table(path)
            return {name: table[name].to_numpy() for name in table.column_names}
        case ".npy":
            array = np.load(path, allow_pickle=False)
            if array.ndim != 2 or array.shape[1] != len(names):
                raise ValueError(f"an array (N, {len(names)}) is needed, and {array.shape} is there")
            return dict(zip(names, array.T, strict=True))
        case ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
    raise ValueError("its name must end in .csv, .parquet, .npy or .npz")
