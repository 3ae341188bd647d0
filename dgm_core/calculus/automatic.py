"""Derivatives by reverse-mode automatic differentiation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from dgm_core.calculus.operators import Derivatives, Field, Output

_MANY = 32
"""Axes from which a Laplacian is computed on lines: in two passes over more points, not in a pass an axis."""
_LARGE = 2e6
"""Coordinates of these points beyond which it is not."""


class Pointwise:
    """A function (K, n, d) -> (K, n, q) whose value at a point depends on that point alone."""

    pointwise = True

    def __init__(self, function: Field) -> None:
        self._function = function

    def __call__(self, x: Tensor) -> Tensor:
        return self._function(x)


class Automatic(Derivatives):
    """The values of a field at points, and its partial derivatives there, each computed once.

    `Automatic(u, x, ("x", "t"))` evaluates u at x (K, n, d).  A derivative is that of the outputs' sum
    over the batch: for a field whose outputs depend on their own point only, the pointwise derivative;
    for a network that normalises over the batch, that of all the batch's outputs with respect to one of
    its points, which is no function's derivative, but what the paper's code computes as well (see
    `dgm_core.networks.layers.BatchNorm`).
    """

    def __init__(self, field: Field, x: Tensor, axes: Sequence[str]) -> None:
        self.x = x.detach().requires_grad_()
        with torch.enable_grad():  # a look at the loss alone needs derivatives along the axes too
            self.value = field(self.x)
        self.axes = tuple(axes)
        self._field = field
        self._pointwise = bool(getattr(field, "pointwise", False))
        self._gradients: dict[tuple[int, tuple[int, ...]], Tensor] = {}

    def partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        if not path:
            return self.value[..., output : output + 1]
        *before, last = path
        key = (output, tuple(before))
        if key not in self._gradients:
            with torch.enable_grad():  # it serves others that are asked for elsewhere
                self._gradients[key] = gradient(self.partial(output, key[1]), self.x)
        return self._gradients[key][..., last : last + 1]

    def laplacian(
        self, axes: Sequence[str] | None = None, output: Output = 0, probes: Tensor | None = None
    ) -> Tensor:
        columns = self.space(axes)
        if probes is not None or not self._pointwise or len(columns) < _MANY or self._large(len(columns)):
            return super().laplacian(axes, output, probes)
        unit = torch.eye(len(self.axes), dtype=self.x.dtype, device=self.x.device)
        lines = self.along(unit[list(columns)][None, None], 2, self.position(output))
        return lines.sum(dim=-1, keepdim=True)

    def _large(self, lines: int) -> bool:
        return self.x.numel() * lines > _LARGE

    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        with torch.enable_grad():
            if self._pointwise:
                return self._on_lines(directions, order, output)
            return self._direction_by_direction(directions, order, output)

    def _on_lines(self, directions: Tensor, order: int, output: int) -> Tensor:
        # Along a line u is a function of one number s.  All lines are points of one batch, so that the
        # passes are as many as the order, whatever the number of directions.
        count, (replicates, n, _) = directions.shape[2], self.x.shape
        lines = directions.expand(replicates, n, -1, -1).reshape(replicates, n * count, -1)
        s = (0.0 * self.x[..., :1]).repeat_interleave(count, dim=1)  # whose graph ends in x, as all others
        x = self.x.detach().repeat_interleave(count, dim=1) + s * lines.to(self.x)
        y = self._field(x)[..., output : output + 1]
        for _ in range(order):
            y = gradient(y, s)
        return y.reshape(replicates, n, count)

    def _direction_by_direction(self, directions: Tensor, order: int, output: int) -> Tensor:
        """In nested passes: for a field whose points cannot be repeated."""
        columns = []
        for v in directions.unbind(dim=2):
            y = self.partial(output, ())
            for _ in range(order):
                y = (gradient(y, self.x) * v).sum(dim=-1, keepdim=True)
            columns.append(y)
        return torch.cat(columns, dim=-1)


class _Rows(Derivatives):
    """Those of another at some of its points: what several sets of points share is computed once."""

    def __init__(self, whole: Derivatives, x: Tensor, value: Tensor, rows: slice) -> None:
        self.x = x
        self.value = value
        self.axes = whole.axes
        self._whole = whole
        self._rows = rows

    def partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        return self._whole.partial(output, path)[:, self._rows]

    def along(self, directions: Tensor, order: int, output: int) -> Tensor:
        every = directions
        if directions.shape[1] != 1:
            every = directions.new_zeros(directions.shape[0], self._whole.x.shape[1], *directions.shape[2:])
            every[:, self._rows] = directions
        return self._whole.along(every, order, output)[:, self._rows]


def automatic_at(field: Field, points: Mapping[str, Tensor], axes: Sequence[str]) -> dict[str, Derivatives]:
    """`Automatic` at several sets of points (K, n_i, d), by name.

    A field that says of itself that it is `pointwise` is evaluated once at all of them, since at
    these sizes a call costs as much as its arithmetic; any other, such as a network that normalises
    over the batch, set by set.
    """
    if not getattr(field, "pointwise", False):
        return {name: Automatic(field, x, axes) for name, x in points.items()}
    whole = Automatic(field, torch.cat(list(points.values()), dim=1), axes)
    sizes = [x.shape[1] for x in points.values()]
    ends = list(accumulate(sizes))
    values = whole.value.split(sizes, dim=1)
    return {
        name: _Rows(whole, x, value, slice(end - x.shape[1], end))
        for (name, x), value, end in zip(points.items(), values, ends, strict=True)
    }


def gradient(y: Tensor, x: Tensor) -> Tensor:
    """∂(Σ y)/∂x in the shape of x, differentiable again; zeros where y does not depend on x.

    A ReLU network's gradient is piecewise constant, so its second derivative comes from nowhere:
    autograd would raise, the mathematics says zero.
    """
    if not y.requires_grad:
        return torch.zeros_like(x)
    return torch.autograd.grad(y.sum(), x, create_graph=True, allow_unused=True, materialize_grads=True)[0]
