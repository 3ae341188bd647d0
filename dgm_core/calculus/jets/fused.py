"""Programs of jets as single steps of the graph."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dgm_core import tape
from dgm_core.calculus.jets import build
from dgm_core.calculus.jets.layout import Bucket, Layout
from dgm_core.calculus.jets.program import Program, Slot, program_source, slots
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
    """A program of jets: all that it reads, in order -> (K, R, W)."""

    @staticmethod
    def forward(
        ctx: Any,
        program: Program,
        layout: Layout,
        width: int,
        homes: Sequence[tuple[Home, int] | None],
        *tensors: Tensor,
    ) -> Tensor:
        sources = [_in_rows(tensor) for tensor in tensors]
        found = sources[0].new_empty(len(sources[0]), layout.rows, width)
        for bucket in layout.buckets:
            _kernel(program, bucket.streams, found.dtype).run("forward", bucket, sources, found)
        ctx.save_for_backward(*sources)
        ctx.program, ctx.layout, ctx.homes = program, layout, homes
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        sources, gradient = ctx.saved_tensors, _in_rows(gradient)
        wanted = slots(ctx.program)
        sums = _zeros(
            [
                source
                for (slot, needed), source in zip(wanted, sources, strict=True)
                if needed and slot is Slot.CONSTANT
            ]
        )
        found: list[Tensor | None] = []
        for (slot, needed), source, home in zip(wanted, sources, ctx.homes, strict=True):
            if not needed:
                found.append(None)
            elif slot is Slot.CONSTANT:
                found.append(next(sums))
            else:
                claimed = None if home is None else home[0].claim(source, home[1])
                found.append(source.new_empty(source.shape) if claimed is None else claimed)
        for bucket in ctx.layout.buckets:
            kernel = _kernel(ctx.program, bucket.streams, gradient.dtype)
            kernel.run("backward", bucket, sources, gradient, found)
        return (None, None, None, None, *found)


class _Kernel:
    """The compiled steps of one program for one set of streams and one precision."""

    def __init__(self, program: Program, streams: Streams, dtype: torch.dtype) -> None:
        library = build.library(program_source(program, streams, dtype == torch.float64))
        self._slots = [slot for slot, _ in slots(program)]
        self._steps = {}
        for name in ("forward", "backward"):
            step = getattr(library, name)
            step.restype = None
            step.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_long] * 3]
            self._steps[name] = step

    def run(
        self,
        name: str,
        bucket: Bucket,
        sources: Sequence[Tensor],
        result: Tensor,
        targets: Sequence[Tensor | None] = (),
    ) -> None:
        """The bucket's part: writes the result, or from its gradient those of the sources."""
        tensors = [*sources, result, *targets]
        kinds = [*self._slots, Slot.ROWS, *self._slots]
        addresses = (ctypes.c_void_p * len(tensors))()
        steps = (ctypes.c_long * (2 * len(tensors)))()
        for place, (kind, tensor) in enumerate(zip(kinds, tensors, strict=False)):
            if tensor is None:
                continue
            row = {Slot.ROWS: bucket.start, Slot.POINTS: bucket.first, Slot.CONSTANT: 0}[kind]
            addresses[place] = tensor.data_ptr() + row * tensor.stride(1) * tensor.element_size()
            steps[2 * place], steps[2 * place + 1] = tensor.stride(0), tensor.stride(1)
        replicates, _, width = result.shape
        call = partial(self._steps[name], addresses, steps, replicates, bucket.points, width)
        written = [target for target in targets if target is not None]
        if targets:
            tape.run(call, (*sources, result), written)
        else:
            tape.run(call, sources, (result,))


@lru_cache(maxsize=512)
def _kernel(program: Program, streams: Streams, dtype: torch.dtype) -> _Kernel:
    return _Kernel(program, streams, dtype)


def _zeros(shaped: Sequence[Tensor]) -> Iterator[Tensor]:
    """Zeros in the shapes of tensors, all from one piece of memory."""
    if shaped:
        sizes = [tensor.numel() for tensor in shaped]
        pieces = shaped[0].new_zeros(sum(sizes)).split(sizes)
        yield from (piece.view(tensor.shape) for piece, tensor in zip(pieces, shaped, strict=True))


def _same(one: Tensor, other: Tensor) -> bool:
    return one.data_ptr() == other.data_ptr() and one.stride() == other.stride()


def _in_rows(tensor: Tensor) -> Tensor:
    """As it is where each of its rows is of neighbouring numbers; else a copy."""
    return tensor if tensor.stride(2) == 1 or tensor.shape[2] == 1 else tensor.contiguous()
