"""Where the gradients of several uses of one tensor meet, without a pass through memory that adds them up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_MOST_USES = 4
"""Of one tensor that share a gradient; further ones are added by autograd."""


class Meeting(ABC):
    """Where the gradient of one use of a tensor goes."""

    @abstractmethod
    def claim(self, use: Tensor) -> tuple[Tensor, bool] | None:
        """The tensor for the gradient of a use, and whether it is to be added to what is there; None where
        the gradient needs a tensor of its own."""


class DividedGradient:
    """The gradient of a tensor that was divided: one tensor, into which those of its parts are written."""

    def __init__(self) -> None:
        self.shape = torch.Size()
        self._whole: Tensor | None = None
        self._claimed: set[int] = set()

    def claim(self, part: Tensor, place: int) -> Tensor | None:
        """Where the gradient of a part goes; None where one has been written already."""
        if not self.shape or place in self._claimed:
            return None
        self._claimed.add(place)
        if self._whole is None:
            self._whole = part.new_empty(self.shape)
        width = part.shape[2]
        return self._whole[..., place * width : (place + 1) * width]

    def leave(self) -> Tensor | None:
        """The whole, which is then forgotten."""
        whole, self._whole = self._whole, None
        self._claimed.clear()
        return whole


@dataclass(eq=False)
class GradientPart(Meeting):
    """One of the parts of a `DividedGradient`."""

    whole: DividedGradient
    place: int

    def claim(self, use: Tensor) -> tuple[Tensor, bool] | None:
        room = self.whole.claim(use, self.place)
        return None if room is None else (room, False)


class Total(Meeting):
    """The gradient of a tensor that is used several times: the first use writes it, the others add theirs."""

    def __init__(self) -> None:
        self._total: Tensor | None = None
        self._pass = -1

    def claim(self, use: Tensor) -> tuple[Tensor, bool]:
        # A pass that did not ask for this gradient leaves one behind, which is no start for another's.
        current = torch._C._current_graph_task_id()
        fresh = self._total is None or current != self._pass
        if fresh:
            self._total, self._pass = use.new_empty(use.shape), current
        assert self._total is not None
        return self._total, not fresh

    def leave(self) -> None:
        """Forgets the gradient, which is complete."""
        self._total = None


class Parts(torch.autograd.Function):
    """Equal parts of the columns of (K, R, W), whose gradients are put together without a copy."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, count: int, whole: DividedGradient) -> tuple[Tensor, ...]:
        whole.shape = tensor.shape
        ctx.whole = whole
        return tensor.chunk(count, dim=2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        whole = ctx.whole.leave()
        if whole is None or not all(map(_same, gradients, whole.chunk(len(gradients), dim=2))):
            whole = torch.cat(gradients, dim=2)
        return whole, None, None


class Uses(torch.autograd.Function):
    """A tensor several times, whose gradients are added where they are made, as `total` has them."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, total: Total) -> tuple[Tensor, ...]:
        ctx.total = total
        ctx.set_materialize_grads(False)
        return tuple(tensor.view_as(tensor) for _ in range(_MOST_USES))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        ctx.total.leave()
        distinct: list[Tensor] = []
        for gradient in gradients:
            if gradient is not None and not any(_same(gradient, known) for known in distinct):
                distinct.append(gradient)
        return (sum(distinct[1:], start=distinct[0]) if distinct else None), None


class Mapped(torch.autograd.Function):
    """rows (K, R, W) · weight (K, W, W'), where the gradient of the rows meets that of their other uses."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, meeting: Meeting) -> Tensor:
        ctx.save_for_backward(rows, weight)
        ctx.meeting = meeting
        return torch.bmm(rows, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        of_rows, of_weight = None, None
        if ctx.needs_input_grad[1]:
            of_weight = torch.bmm(rows.mT, gradient)
        if ctx.needs_input_grad[0]:
            claimed = ctx.meeting.claim(rows)
            if claimed is None:
                of_rows = torch.bmm(gradient, weight.mT)
            else:
                of_rows, added = claimed
                if added:
                    of_rows.baddbmm_(gradient, weight.mT)
                else:
                    torch.bmm(gradient, weight.mT, out=of_rows)
        return of_rows, of_weight, None


def parts(tensor: Tensor, count: int) -> Iterator[tuple[Tensor, Meeting]]:
    """Equal parts of the columns of (K, R, W), each with where its gradient goes."""
    whole = DividedGradient()
    for place, part in enumerate(Parts.apply(tensor, count, whole)):
        yield part, GradientPart(whole, place)


def uses(tensor: Tensor) -> Iterator[tuple[Tensor, Meeting]]:
    """A tensor as often as it may be used with a gradient that is shared."""
    total = Total()
    for use in Uses.apply(tensor, total):
        yield use, total


def _same(tensor: Tensor, other: Tensor) -> bool:
    return tensor.data_ptr() == other.data_ptr() and tensor.stride() == other.stride()
