"""Derivatives of a field by reverse-mode automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor

Field = Callable[[Tensor], Tensor]
"""Any map (K, n, d) -> (K, n, q) whose replicates do not mix: a network or an exact solution."""


class Derivatives:
    """The values of a field at points, and its partial derivatives there, each computed once.

    `Derivatives(u, x, ("x", "t"))` evaluates u at x (K, n, d); `.value` is (K, n, q), and
    `.d("x", "x", output=0)` the (K, n, 1) second derivative of the first output.  A derivative is
    that of the outputs' sum over the batch: for a field whose outputs depend on their own point
    only, the pointwise derivative; for a network that normalises over the batch, that of all the
    batch's outputs with respect to one of its points, which is no function's derivative, but what
    the paper's code computes as well (see `dgm_core.networks.layers.BatchNorm`).
    """

    def __init__(self, field: Field, x: Tensor, axes: Sequence[str]) -> None:
        self.x = x.detach().requires_grad_()
        self.value = field(self.x)
        self._axes = tuple(axes)
        self._gradients: dict[tuple[int, tuple[int, ...]], Tensor] = {}

    def d(self, *axes: str, output: int = 0) -> Tensor:
        """The derivative of one output along the named axes in turn, (K, n, 1)."""
        path = tuple(self._axes.index(axis) for axis in axes)
        return self._partial(output, path)

    def _partial(self, output: int, path: tuple[int, ...]) -> Tensor:
        if not path:
            return self.value[..., output : output + 1]
        *before, last = path
        key = (output, tuple(before))
        if key not in self._gradients:
            self._gradients[key] = gradient(self._partial(output, key[1]), self.x)
        return self._gradients[key][..., last : last + 1]


class _Rows(Derivatives):
    """Those of another at some of its points: what several sets of points share is computed once."""

    def __init__(self, whole: Derivatives, x: Tensor, value: Tensor, rows: slice) -> None:
        self.x = x
        self.value = value
        self._whole = whole
        self._rows = rows

    def d(self, *axes: str, output: int = 0) -> Tensor:
        return self._whole.d(*axes, output=output)[:, self._rows]


def derivatives_at(field: Field, points: Mapping[str, Tensor], axes: Sequence[str]) -> dict[str, Derivatives]:
    """`Derivatives` at several sets of points (K, n_i, d), by name.

    A field that says of itself that it is `pointwise` is evaluated once at all of them, since at
    these sizes a call costs as much as its arithmetic; any other, such as a network that normalises
    over the batch, set by set.
    """
    if not getattr(field, "pointwise", False):
        return {name: Derivatives(field, x, axes) for name, x in points.items()}
    whole = Derivatives(field, torch.cat(list(points.values()), dim=1), axes)
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
