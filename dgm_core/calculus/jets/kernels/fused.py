"""Programs of jets as single steps of the graph."""

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
from dgm_core.calculus.jets.kernels.program import (
    Program,
    Slot,
    adding,
    flattens,
    outputs,
    program_source,
    slots,
)
from dgm_core.calculus.jets.kernels.source import Units
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.meetings import Meeting
from dgm_core.calculus.jets.streams import Streams


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
        sources = [_in_rows(tensor) for tensor in tensors]
        found = sources[0].new_empty(len(sources[0]), layout.rows, outputs(program) or width)
        _run("forward", program, layout, width, sources, found)
        ctx.save_for_backward(*sources)
        ctx.program, ctx.layout, ctx.width, ctx.meetings = program, layout, width, meetings
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        sources = ctx.saved_tensors
        # That of a sum is one number for all points: in rows of width one they are to be neighbours.
        gradient = gradient.contiguous() if gradient.shape[2] == 1 else _in_rows(gradient)
        wanted = slots(ctx.program)
        sums = _zeros(
            [
                source
                for (slot, needed), source in zip(wanted, sources, strict=True)
                if needed and slot is Slot.CONSTANT
            ]
        )
        found: list[Tensor | None] = []
        added: set[int] = set()
        for place, ((slot, needed), source, meeting) in enumerate(
            zip(wanted, sources, ctx.meetings, strict=True)
        ):
            if not needed:
                found.append(None)
            elif slot is Slot.CONSTANT:
                found.append(next(sums))
            else:
                claimed = None if meeting is None else meeting.claim(source)
                target, adds = claimed or (source.new_empty(source.shape), False)
                found.append(target)
                added |= {place} if adds else set()
        program = adding(ctx.program, added)
        _run("backward", program, ctx.layout, ctx.width, sources, gradient, found)
        return (None, None, None, None, *found)


def _run(
    name: str,
    program: Program,
    layout: Layout,
    width: int,
    sources: Sequence[Tensor],
    result: Tensor,
    targets: Sequence[Tensor | None] = (),
) -> None:
    """A program's step of that name for all points: writes the result, or from its gradient those of the
    sources."""
    tensors = [*sources, result, *targets]
    own = [slot for slot, _ in slots(program)]
    kinds = [*own, Slot.ROWS, *own][: len(tensors)]
    rows = [tensor for kind, tensor in zip(kinds, tensors, strict=True) if kind is Slot.ROWS]
    flat = flattens(program, width) and all(row is None or row.stride(1) == 1 for row in rows)
    for bucket in layout.buckets:
        units = Units.of(bucket.points if flat else width, flat=flat)
        step = _steps(program, bucket.streams, result.dtype, units)[name]
        addresses = (ctypes.c_void_p * len(tensors))()
        strides = (ctypes.c_long * (2 * len(tensors)))()
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
            strides[2 * place + 1] = bucket.points if flat and kind is Slot.ROWS else tensor.stride(1)
        sizes = (1, bucket.points) if flat else (bucket.points, width)
        call = partial(step, addresses, strides, len(result), *sizes)
        written = [target for target in targets if target is not None]
        if targets:
            tape.run(call, (*sources, result), written)
        else:
            tape.run(call, sources, (result,))


@lru_cache(maxsize=512)
def _steps(
    program: Program, streams: Streams, dtype: torch.dtype, units: Units
) -> dict[str, Callable[..., None]]:
    """The compiled steps of one program for one set of streams and one precision."""
    library = build.library(program_source(program, streams, dtype == torch.float64, units))
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


def _in_rows(tensor: Tensor) -> Tensor:
    """As it is where each of its rows is of neighbouring numbers; else a copy."""
    return tensor if tensor.stride(2) == 1 or tensor.shape[2] == 1 else tensor.contiguous()
