"""A trained solution to call on tensors, arrays or data frames, differentiate, summarise and save."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from dgm_core.calculus import Field, gradient
from dgm_core.errors import ConfigurationError, counted, unknown
from dgm_core.training.field_file import write
from dgm_core.training.solution import Solution

_SLACK = 1e-9
"""Of an axis's length: what still counts as inside the domain."""


class TrainedField:
    """K trained replicates of one solution, float64; or a derivative of them.

    Called on points in the problem's units, time last, it returns the values of every replicate:

    - tensors (K, n, d) or (n, d): a tensor (K, n, q), differentiable;
    - NumPy arrays (n, d), or (n,) along one axis: an array (K, n, q);
    - a data frame with a column for each of `axes`, in any order: likewise an array.

    `predict` summarises the replicates.
    """

    def __init__(
        self,
        solution: Solution,
        *,
        values: Field | None = None,
        outputs: tuple[str, ...] | None = None,
        seeds: tuple[int, ...] | None = None,
    ) -> None:
        """values, outputs, seeds: what is given in place of the solution's own, such as a derivative."""
        self._solution = solution
        self._values: Field = (lambda x: solution(x)) if values is None else values
        self.problem = solution.setup.problem
        self.setup = solution.setup
        self.seeds = solution.seeds if seeds is None else seeds
        self.axes = tuple(axis.name for axis in self.problem.inputs)
        self.outputs = self.problem.outputs if outputs is None else outputs

    def __call__(self, points: Any) -> Any:
        if isinstance(points, Tensor):
            return self._values(self._shaped(points.double()))
        with torch.no_grad():
            return self._values(self._shaped(self._points(points))).numpy()

    def predict(self, points: Any) -> Any:
        """Median, smallest and largest value of the replicates, by output: `u`, `u_low` and `u_high`.

        Of five replicates these two enclose the median of all seeds with a confidence of 94 %.  A data frame
        is returned with these columns added; for arrays a dictionary of arrays (n,).  Raises
        ConfigurationError for points outside the domain.
        """
        x = points.double() if isinstance(points, Tensor) else self._points(points)
        self._check_inside(x)
        with torch.no_grad():
            values = self._values(self._shaped(x)).cpu().numpy()  # (K, n, q)
        columns: dict[str, Any] = {}
        for i, output in enumerate(self.outputs):
            of_replicates = values[..., i]
            columns |= {
                output: np.median(of_replicates, axis=0),
                f"{output}_low": of_replicates.min(axis=0),
                f"{output}_high": of_replicates.max(axis=0),
            }
        return points.assign(**columns) if hasattr(points, "columns") else columns

    def derivative(self, *axes: str) -> TrainedField:
        """The derivative along the named axes in turn, as a field: `u.derivative("x", "x")`.

        Its outputs are called `d2u/dx2`, `d2u/dxdt`, …  Raises ConfigurationError for an unknown axis.
        """
        for axis in axes:
            if axis not in self.axes:
                raise unknown("axis", axis, self.axes)
        inner, count = self._values, len(self.outputs)

        def values(x: Tensor) -> Tensor:
            with torch.enable_grad():
                at = x if x.requires_grad else x.detach().requires_grad_()
                along = inner(at)
                for column in map(self.axes.index, axes):
                    slopes = [gradient(along[..., i : i + 1], at) for i in range(count)]
                    along = torch.cat([slope[..., column : column + 1] for slope in slopes], dim=-1)
            return along if torch.is_grad_enabled() else along.detach()

        names = tuple(_derived(output, axes) for output in self.outputs)
        return TrainedField(self._solution, values=values, outputs=names, seeds=self.seeds)

    @property
    def replicates(self) -> tuple[TrainedField, ...]:
        """Each replicate as a field of its own, in the order of `seeds`."""
        return tuple(self._alone(k) for k in range(len(self.seeds)))

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Writes the solution, for `load_field`; a derivative is taken again from it."""
        write(self._solution.setup, self._solution.seeds, self._solution.weights(), path)

    def __repr__(self) -> str:
        shape = f"({', '.join(self.axes)}) -> ({', '.join(self.outputs)})"
        return f"TrainedField({self.problem.name}: {shape}, {counted(len(self.seeds), 'replicate')})"

    def _alone(self, k: int) -> TrainedField:
        every, count = self._values, len(self.seeds)

        def values(x: Tensor) -> Tensor:
            return every(x.expand(count, -1, -1))[k : k + 1]

        seeds = self.seeds[k : k + 1]
        return TrainedField(self._solution, values=values, outputs=self.outputs, seeds=seeds)

    def _points(self, points: Any) -> Tensor:
        """(n, d) of an array or a data frame."""
        if hasattr(points, "columns"):
            for axis in self.axes:
                if axis not in points.columns:
                    raise ConfigurationError(
                        f"the data frame has no column {axis!r}: {self.problem.name} has the axes "
                        f"{', '.join(self.axes)}."
                    )
            points = np.stack([np.asarray(points[axis], dtype=float) for axis in self.axes], axis=-1)
        array = torch.as_tensor(np.asarray(points, dtype=float))
        return array[:, None] if array.dim() == 1 and len(self.axes) == 1 else array

    def _shaped(self, x: Tensor) -> Tensor:
        """(K, n, d)."""
        if x.dim() not in (2, 3) or x.shape[-1] != len(self.axes):
            raise ConfigurationError(
                f"points of the shape {tuple(x.shape)} are not allowed: {self.problem.name} has the axes "
                f"{', '.join(self.axes)}, so that n points are (n, {len(self.axes)})."
            )
        return x.expand(len(self.seeds), *x.shape) if x.dim() == 2 else x

    def _check_inside(self, x: Tensor) -> None:
        flat = self._shaped(x)[0]
        lower = flat.new_tensor([axis.lower for axis in self.problem.inputs])
        upper = flat.new_tensor([axis.upper for axis in self.problem.inputs])
        slack = _SLACK * (upper - lower)
        near = flat.clamp(lower, upper)
        inside = ((flat - near).abs() <= slack).all(dim=-1)
        inside &= self.problem.domain.contains(near) if inside.any() else inside
        if not inside.all():
            row = int((~inside).nonzero()[0])
            values = zip(self.axes, flat[row].tolist(), strict=True)
            where = ", ".join(f"{axis} = {value:g}" for axis, value in values)
            raise ConfigurationError(
                f"{int((~inside).sum())} of {len(flat)} points are outside the domain of "
                f"{self.problem.name}, the first in row {row} at {where}: nothing was trained there."
            )


def _derived(output: str, axes: tuple[str, ...]) -> str:
    """ "d2u/dx2" of u along x twice, as it is written in a column's name."""
    counted = [(axis, axes.count(axis)) for axis in dict.fromkeys(axes)]
    below = "".join(f"d{axis}{n if n > 1 else ''}" for axis, n in counted)
    return f"d{len(axes) if len(axes) > 1 else ''}{output}/{below}"
