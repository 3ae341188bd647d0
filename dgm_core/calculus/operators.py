"""What can be asked of a field's derivatives, whatever computes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError, unknown

Field = Callable[[Tensor], Tensor]
"""Any map (K, n, d) -> (K, n, q) whose replicates do not mix: a network or an exact solution."""

Output = int | str
"""An output of a field: its name, or its position counted from 0."""

TIME = "t"
"""Name of the axis that is time: operators in space leave it out."""


class Derivatives(ABC):
    """The values of a field at points, and its derivatives there.

    `x` holds the points (K, n, d), `value` the field's values (K, n, q); `d("x", "x", output="u")`, or
    `output=0`, is the second derivative of the first output, (K, n, 1).  Where axes are not named, the
    operators in space take all but "t" and parameters.
    """

    x: Tensor
    value: Tensor
    axes: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    """Their names, where a problem's equation asks."""
    field: Field | None = None
    """Whose values and derivatives these are, where a problem's equation asks; for values at other points."""
    domain: Any = None
    """The problem's own, likewise."""
    whole: bool = True
    """Whether the field is known on all of the domain's time, and not in one window of it."""

    @abstractmethod
    def partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        """The derivative of one output along the columns of `path` in turn, (K, n, 1)."""

    @abstractmethod
    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        """As `directional`, of an output by its position."""

    def __getattr__(self, name: str) -> Any:
        told = f"y has no attribute {name!r}: y.value is the field, y.d('x') a derivative, y.x the points"
        known = vars(self)
        for kind, names, place in (("axis", "axes", "x"), ("output", "outputs", "value")):
            if name in known.get(names, ()):
                column = known[names].index(name)
                told = f"the values of the {kind} {name} are y.{place}[..., {column}:{column + 1}]"
        raise AttributeError(told, name=name, obj=self)

    def d(self, *axes: str, output: Output = 0) -> Tensor:
        """The derivative of one output along the named axes in turn, (K, n, 1)."""
        return self.partial(self.position(output), self.columns(axes))

    def gradient(self, axes: Sequence[str] | None = None, output: Output = 0) -> Tensor:
        """All first derivatives of an output, (K, n, m); by default along all axes, time too."""
        columns = range(len(self.axes)) if axes is None else self.columns(axes)
        column = self.position(output)
        return torch.cat([self.partial(column, (i,)) for i in columns], dim=-1)

    def directional(self, directions: Tensor, order: int = 1, output: Output = 0) -> Tensor:
        """The derivative of some order along directions (K or 1, n or 1, m, d), as (K, n, m)."""
        return self.along(directions, order, self.position(output))

    def divergence(self, axes: Sequence[str] | None = None) -> Tensor:
        """Σ ∂uᵢ/∂xᵢ over the axes in space, the i-th output along the i-th of them, (K, n, 1)."""
        columns = self.space(axes)
        if len(columns) > self.value.shape[-1]:
            raise ConfigurationError(
                f"a divergence over {len(columns)} axes needs as many outputs: "
                f"there are {self.value.shape[-1]}."
            )
        return sum_of([self.partial(output, (i,)) for output, i in enumerate(columns)])

    def laplacian(
        self, axes: Sequence[str] | None = None, output: Output = 0, probes: Tensor | None = None
    ) -> Tensor:
        """Σ ∂²u/∂xᵢ² over the axes in space, (K, n, 1).

        Carried forward it is one stream beside the first derivatives, in any dimension; by nested passes, a
        backward pass for each axis.

        `probes` (K or 1, n or 1, m, number of axes), random directions with E[v vᵀ] = 1 (see
        `rademacher`), give an unbiased estimate instead: the mean of vᵀ H v over them, at the cost of m
        directions whatever the dimension.  Rademacher's has the variance 2 Σ_{i≠j} H_ij² / m.  A squared
        residual takes that variance for an error; the product of two residuals with independent probes
        does not.  Source: Hutchinson (1990); Hu, Shi, Karniadakis and Kawaguchi (2024) for its use here.
        """
        columns, column = self.space(axes), self.position(output)
        if probes is None:
            return sum_of([self.partial(column, (i, i)) for i in columns])
        directions = probes.new_zeros(*probes.shape[:-1], len(self.axes))
        directions[..., list(columns)] = probes
        return self.along(directions, 2, column).mean(dim=-1, keepdim=True)

    def bilaplacian(self, axes: Sequence[str] | None = None, output: Output = 0) -> Tensor:
        """Δ²u = Σ ∂⁴u/∂xᵢ²∂xⱼ² over the axes in space, (K, n, 1)."""
        columns, column = self.space(axes), self.position(output)
        return sum_of([self.partial(column, (i, i, j, j)) for i in columns for j in columns])

    def position(self, output: Output) -> int:
        """Which output is meant, counted from 0.  Raises ConfigurationError where there is none such."""
        return position_of(output, self.outputs, self.value.shape[-1])

    def columns(self, axes: Sequence[str]) -> tuple[int, ...]:
        """The columns of named axes.  Raises ConfigurationError for an unknown one."""
        for axis in axes:
            if not isinstance(axis, str):
                raise ConfigurationError(
                    f"a derivative along {axis!r} is not allowed: name the axis once for each order, as in "
                    'd("x", "x").'
                )
            if axis not in self.axes and set(axis) <= set(self.axes):
                raise ConfigurationError(
                    f"a derivative along {axis!r} is not allowed: name the axis once for each order, as in "
                    f"d({', '.join(repr(each) for each in axis)})."
                )
            if axis not in self.axes and axis in self.outputs:
                raise ConfigurationError(
                    f"a derivative along {axis!r} is not allowed: it is an output; write output={axis!r}."
                )
            if axis not in self.axes:
                raise unknown("axis", axis, self.axes)
        return tuple(self.axes.index(axis) for axis in axes)

    def space(self, axes: Sequence[str] | None) -> tuple[int, ...]:
        """The columns of the named axes, or of all but time and parameters."""
        if axes is not None:
            return self.columns(axes)
        known = () if self.domain is None else self.domain.axes
        left_out = {TIME, *(axis.name for axis in known if axis.parameter)}
        return self.columns([axis for axis in self.axes if axis not in left_out])


def position_of(output: Output, names: Sequence[str], count: int) -> int:
    """The position of an output, given by it or by name.  Raises ConfigurationError where there is none."""
    if isinstance(output, str):
        if output not in names:
            raise unknown("output", output, names)
        return names.index(output)
    if isinstance(output, bool) or not isinstance(output, SupportsIndex) or not 0 <= int(output) < count:
        there = "there is one output: its position is 0" if count == 1 else f"positions are 0 to {count - 1}"
        raise ConfigurationError(f"output={output!r} is not allowed: {there}.")
    return int(output)


def rademacher(unit: Tensor) -> Tensor:
    """Numbers in [0, 1) to directions of −1 and 1, in the same shape."""
    return torch.where(unit < 0.5, -1.0, 1.0).to(unit)


def sum_of(terms: Sequence[Tensor]) -> Tensor:
    """Their sum, added in order."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
