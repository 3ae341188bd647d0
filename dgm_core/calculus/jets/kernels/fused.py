"""Programs of jets as single steps of the graph, compiled where there is a compiler."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dgm_core import tape
from dgm_core.calculus.jets.kernels import build
from dgm_core.calculus.jets.kernels.eager import Eager
from dgm_core.calculus.jets.kernels.laplacian import looped_source, loops
from dgm_core.calculus.jets.kernels.program import (
    Program,
    Slot,
    adding,
    flattens,
    keeps,
    outputs,
    slots,
)
from dgm_core.calculus.jets.kernels.source import Units
from dgm_core.calculus.jets.kernels.writer import program_source
from dgm_core.calculus.jets.layout import Bucket, Layout
from dgm_core.calculus.jets.meetings import Meeting
from dgm_core.calculus.jets.streams import Streams


def compiled(like: Tensor) -> bool:
    """Whether there are kernels for tensors of a kind."""
    return like.device.type == "cpu" and build.compiler() is not None


class Fused(torch.autograd.Function):
    """A program of jets: all that it reads, in order -> (K, R, W), or the columns that it ends in."""

    @staticmethod
    def forward(
        ctx: Any,
        program: Program,
        layout: Layout,
        width: int,
        meetings: Sequence[Meeting | None],
        *tensors: Tensor,
    ) -> Tensor:
        straight = _straight(program, layout)
        sources = [straight(tensor) for tensor in tensors]
        results = sources[0].new_empty(len(sources[0]), layout.rows, outputs(program) or width)
        _run("forward", program, layout, width, sources, results)
        ctx.save_for_backward(*sources, *([results] if keeps(program) else []))
        ctx.program, ctx.layout, ctx.width, ctx.meetings = program, layout, width, meetings
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        kept = [ctx.saved_tensors[-1]] if keeps(ctx.program) else []
        sources = ctx.saved_tensors[: len(ctx.saved_tensors) - len(kept)]
        # That of a sum is one number for all points: in rows of width one they are to be neighbours.
        straight = _straight(ctx.program, ctx.layout)
        gradient = gradient.contiguous() if gradient.shape[2] == 1 else straight(gradient)
        wanted = slots(ctx.program)
        sums = _zeros(
            [
                source
                for (slot, needed), source in zip(wanted, sources, strict=True)
                if needed and slot is Slot.CONSTANT
            ]
        )
        targets: list[Tensor | None] = []
        added: set[int] = set()
        for place, ((slot, needed), source, meeting) in enumerate(
            zip(wanted, sources, ctx.meetings, strict=True)
        ):
            if not needed:
                targets.append(None)
            elif slot is Slot.CONSTANT:
                targets.append(next(sums))
            else:
                claimed = None if meeting is None else meeting.claim(source)
                target, adds = claimed or (source.new_empty(source.shape), False)
                targets.append(target)
                added |= {place} if adds else set()
        program = adding(ctx.program, added)
        _run("backward", program, ctx.layout, ctx.width, sources, gradient, targets, kept)
        return (None, None, None, None, *targets)


def _run(
    name: str,
    program: Program,
    layout: Layout,
    width: int,
    sources: Sequence[Tensor],
    result: Tensor,
    targets: Sequence[Tensor | None] = (),
    kept: Sequence[Tensor] = (),
) -> None:
    """A program's step of that name for all points: writes the result, or from its gradient those of the
    sources.  kept: the result, for gradients that need it."""
    if not compiled(result):
        for bucket in layout.buckets:
            eager = Eager(program, bucket, sources)
            if targets:
                eager.backward(result, targets, *kept)
            else:
                eager.forward(result)
        return
    tensors = [*sources, result, *targets, *kept]
    read_kinds = [slot for slot, _ in slots(program)]
    kinds = [*read_kinds, Slot.ROWS, *(read_kinds if targets else ()), *(Slot.ROWS for _ in kept)]
    rows = [tensor for kind, tensor in zip(kinds, tensors, strict=True) if kind is Slot.ROWS]
    flat = flattens(program, width) and all(row is None or _neighbours(row, width) for row in rows)
    for bucket in layout.buckets:
        numbers = bucket.points * width
        units = Units.of(numbers if flat else width, flat=flat)
        step = _steps(program, bucket.streams, result.dtype, units)[name]
        addresses = (ctypes.c_void_p * len(tensors))()
        strides = (ctypes.c_long * (2 * len(tensors) + 3))(*[0] * (2 * len(tensors)), *_squares(bucket))
        places = {
            Slot.ROWS: bucket.start,
            Slot.POINTS: bucket.first,
            Slot.STREAMS: bucket.place,
            Slot.CONSTANT: 0,
        }
        for place, (kind, tensor) in enumerate(zip(kinds, tensors, strict=True)):
            if tensor is None:
                continue
            addresses[place] = tensor.data_ptr() + places[kind] * tensor.stride(1) * tensor.element_size()
            strides[2 * place] = tensor.stride(0)
            strides[2 * place + 1] = numbers if flat and kind is Slot.ROWS else tensor.stride(1)
        sizes = (1, numbers) if flat else (bucket.points, width)
        call = partial(step, addresses, strides, len(result), *sizes)
        written = [target for target in targets if target is not None]
        if targets:
            tape.run(call, (*sources, result, *kept), written)
        else:
            tape.run(call, sources, (result,))


def _squares(bucket: Bucket) -> tuple[int, int, int]:
    """What a loop over a Laplacian's streams needs: their number, the first and the number of the squared."""
    return len(bucket.streams), *(bucket.streams.laplacian or (0, 0))


@lru_cache(maxsize=512)
def _steps(
    program: Program, streams: Streams, dtype: torch.dtype, units: Units
) -> dict[str, Callable[..., None]]:
    """The compiled steps of one program for one set of streams and one precision."""
    double = dtype == torch.float64
    looped = loops(program, streams)
    library = build.library(
        looped_source(program, double) if looped else program_source(program, streams, double, units)
    )
    steps = {}
    for name in ("forward", "backward"):
        step = getattr(library, name)
        step.restype = None
        step.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_long] * 3]
        steps[name] = step
    return steps


def _zeros(shaped: Sequence[Tensor]) -> Iterator[Tensor]:
    """Zeros in the shapes of tensors, all from one piece of memory."""
    if shaped:
        sizes = [tensor.numel() for tensor in shaped]
        pieces = shaped[0].new_zeros(sum(sizes)).split(sizes)
        yield from (piece.view(tensor.shape) for piece, tensor in zip(pieces, shaped, strict=True))


def _straight(program: Program, layout: Layout) -> Callable[[Tensor], Tensor]:
    """How a program wants what it reads: whole where it loops over streams, else in rows."""
    looped = any(loops(program, bucket.streams) for bucket in layout.buckets)
    return Tensor.contiguous if looped else _in_rows


def _in_rows(tensor: Tensor) -> Tensor:
    """As it is where each of its rows is of neighbouring numbers; else a copy."""
    return tensor if tensor.stride(2) == 1 or tensor.shape[2] == 1 else tensor.contiguous()


def _neighbours(rows: Tensor, width: int) -> bool:
    """Whether one row begins where the last one ends."""
    return rows.stride(1) == width
