"""Programs of jets as single steps of the graph, and matrix products of jets that lie side by side."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dgm_core import tape
from dgm_core.calculus.jets import build
from dgm_core.calculus.jets.layout import Bucket, Layout
from dgm_core.calculus.jets.program import Load, Program, program_source
from dgm_core.calculus.jets.streams import Streams


class Home:
    """Where the gradients of a tensor's parts meet: one tensor, into which each is written."""

    def __init__(self) -> None:
        self.whole: Tensor | None = None
        self._shape: torch.Size | None = None
        self._claimed: set[int] = set()

    def expect(self, shape: torch.Size) -> None:
        """The whole's shape."""
        self._shape = shape

    def claim(self, part: Tensor, place: int) -> Tensor | None:
        """Where the gradient of a part goes; None where one has been written already."""
        if self._shape is None or place in self._claimed:
            return None
        self._claimed.add(place)
        if self.whole is None:
            self.whole = part.new_empty(self._shape)
        width = part.shape[2]
        return self.whole[..., place * width : (place + 1) * width]

    def leave(self) -> Tensor | None:
        """The whole, which is then forgotten."""
        whole, self.whole = self.whole, None
        self._claimed.clear()
        return whole


class Parts(torch.autograd.Function):
    """Equal parts of the columns of (K, R, W), whose gradients are put together without a copy."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, count: int, home: Home) -> tuple[Tensor, ...]:
        home.expect(whole.shape)
        ctx.home = home
        return whole.chunk(count, dim=2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        whole = ctx.home.leave()
        if whole is None or not all(map(_same, gradients, whole.chunk(len(gradients), dim=2))):
            whole = torch.cat(gradients, dim=2)
        return whole, None, None


class Fused(torch.autograd.Function):
    """A program of jets: rows (K, R, W) and bias (K, 1, W), or None, of every load -> (K, R, W)."""

    @staticmethod
    def forward(
        ctx: Any,
        program: Program,
        layout: Layout,
        homes: Sequence[tuple[Home, int] | None],
        *tensors: Tensor | None,
    ) -> Tensor:
        rows = [
            _in_rows(one) if one is not None and place % 2 == 0 else one for place, one in enumerate(tensors)
        ]
        first = rows[0]
        assert first is not None
        found = first.new_empty(first.shape)
        for bucket in layout.buckets:
            _kernel(program, bucket.streams, first.dtype).forward(bucket, rows, found)
        ctx.save_for_backward(*rows)
        ctx.program, ctx.layout, ctx.homes = program, layout, homes
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, gradient = ctx.saved_tensors, _in_rows(gradient)
        loads = [step for step in ctx.program if isinstance(step, Load)]
        found: list[Tensor | None] = []
        for place, (load, home) in enumerate(zip(loads, ctx.homes, strict=True)):
            own, bias = rows[2 * place : 2 * place + 2]
            if not load.needed:
                found += [None, None]
                continue
            claimed = None if home is None else home[0].claim(own, home[1])
            found += [
                own.new_empty(own.shape) if claimed is None else claimed,
                None if bias is None else bias.new_zeros(bias.shape),
            ]
        for bucket in ctx.layout.buckets:
            _kernel(ctx.program, bucket.streams, gradient.dtype).backward(bucket, rows, gradient, found)
        return (None, None, None, *found)


class Mapped(torch.autograd.Function):
    """Jets side by side, (K, R, W_i) each, times a weight (K, ΣW_i, W'); no gradients that none needs."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, *sides: Tensor) -> Tensor:
        whole = torch.cat(sides, dim=2)
        ctx.save_for_backward(weight, whole)
        ctx.widths = [side.shape[2] for side in sides]
        return torch.bmm(whole, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, whole = ctx.saved_tensors
        found: list[Tensor | None] = []
        start = 0
        for needed, width in zip(ctx.needs_input_grad[1:], ctx.widths, strict=True):
            own = weight[:, start : start + width]
            found.append(torch.bmm(gradient, own.transpose(1, 2)) if needed else None)
            start += width
        of_weight = torch.bmm(whole.transpose(1, 2), gradient) if ctx.needs_input_grad[0] else None
        return (of_weight, *found)


class _Kernel:
    """The compiled steps of one program for one set of streams and one precision."""

    def __init__(self, program: Program, streams: Streams, dtype: torch.dtype) -> None:
        library = build.library(program_source(program, streams, dtype == torch.float64))
        self._steps = {}
        for name in ("forward", "backward"):
            step = getattr(library, name)
            step.restype = None
            step.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_long] * 3]
            self._steps[name] = step

    def forward(self, bucket: Bucket, rows: Sequence[Tensor | None], found: Tensor) -> None:
        """Writes the bucket's part of the result."""
        self._run("forward", bucket, [*rows, found], len(rows), rows, (found,))

    def backward(
        self,
        bucket: Bucket,
        rows: Sequence[Tensor | None],
        gradient: Tensor,
        found: Sequence[Tensor | None],
    ) -> None:
        """Writes the bucket's part of the gradients of rows, and adds to those of biases."""
        tensors = [*rows, gradient, *found]
        self._run("backward", bucket, tensors, len(rows), (*rows, gradient), found)

    def _run(
        self,
        name: str,
        bucket: Bucket,
        tensors: Sequence[Tensor | None],
        result: int,
        reads: Sequence[Tensor | None],
        writes: Sequence[Tensor | None],
    ) -> None:
        """`tensors`: rows and biases in turn, but for the result, alone, at its place."""
        addresses = (ctypes.c_void_p * len(tensors))()
        steps = (ctypes.c_long * (2 * len(tensors)))()
        for place, tensor in enumerate(tensors):
            if tensor is None:
                continue
            is_bias = place % 2 == (1 if place < result else 0) and place != result
            start = 0 if is_bias else bucket.start * tensor.stride(1) * tensor.element_size()
            addresses[place] = tensor.data_ptr() + start
            steps[2 * place] = tensor.stride(0)
            steps[2 * place + 1] = tensor.stride(1)
        like = tensors[result]
        assert like is not None
        sizes = (len(like), bucket.points, like.shape[2])
        call = partial(self._steps[name], addresses, steps, *sizes)
        tape.run(call, _present(reads), _present(writes))


@lru_cache(maxsize=512)
def _kernel(program: Program, streams: Streams, dtype: torch.dtype) -> _Kernel:
    return _Kernel(program, streams, dtype)


def _present(tensors: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    return tuple(tensor for tensor in tensors if tensor is not None)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.data_ptr() == other.data_ptr() and one.stride() == other.stride()


def _in_rows(tensor: Tensor) -> Tensor:
    """As it is where each of its rows is of neighbouring numbers; else a copy."""
    return tensor if tensor.stride(2) == 1 or tensor.shape[2] == 1 else tensor.contiguous()
