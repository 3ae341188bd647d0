"""Functions and products of jets as single steps of the graph, compiled where there is a compiler."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dgm_core import tape
from dgm_core.calculus.jets.kernels import build, eager
from dgm_core.calculus.jets.kernels.functions import Function
from dgm_core.calculus.jets.kernels.source import Units, function_source, product_source
from dgm_core.calculus.jets.layout import Bucket, Layout
from dgm_core.calculus.jets.streams import Streams


class Apply(torch.autograd.Function):
    """σ of a jet: data (K, R, W) and a bias (K, 1, W), of the values alone, or None -> (K, R, W)."""

    @staticmethod
    def forward(ctx: Any, data: Tensor, bias: Tensor | None, function: Function, layout: Layout) -> Tensor:
        data = data.contiguous()
        found = torch.empty_like(data)
        for bucket in layout.buckets:
            kernel = _function_kernel(function, bucket, data, bias)
            if kernel is None:
                eager.function(function, bucket, data, bias, found)
            else:
                kernel.forward(bucket, data, bias, found)
        ctx.save_for_backward(data, bias, found)
        ctx.function, ctx.layout = function, layout
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        data, bias, found = ctx.saved_tensors
        gradient = gradient.contiguous()
        of_data = torch.empty_like(data)
        of_bias = None if bias is None else bias.new_zeros(bias.shape)
        for bucket in ctx.layout.buckets:
            kernel = _function_kernel(ctx.function, bucket, data, bias)
            if kernel is None:
                eager.function_backward(ctx.function, bucket, data, bias, found, gradient, of_data, of_bias)
            else:
                kernel.backward(bucket, data, bias, found, gradient, of_data, of_bias)
        return of_data, of_bias, None, None


class AddedProduct(torch.autograd.Function):
    """base + factor · left · right of jets of one layout, (K, R, W) each; without a base where it is None."""

    @staticmethod
    def forward(
        ctx: Any, left: Tensor, right: Tensor, base: Tensor | None, factor: float, layout: Layout
    ) -> Tensor:
        left, right = _in_rows(left), _in_rows(right)
        base = None if base is None else base.contiguous()
        found = left.new_empty(left.shape)
        for bucket in layout.buckets:
            kernel = _product_kernel(bucket.streams, left)
            (eager.product if kernel is None else kernel.forward)(bucket, left, right, base, factor, found)
        ctx.save_for_backward(left, right)
        ctx.factor, ctx.layout = factor, layout
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        left, right = ctx.saved_tensors
        gradient = gradient.contiguous()
        found: list[Tensor | None] = []
        for needed, other in zip(ctx.needs_input_grad[:2], (right, left), strict=True):
            if not needed:
                found.append(None)
                continue
            of_factor = torch.empty_like(gradient)
            for bucket in ctx.layout.buckets:
                kernel = _product_kernel(bucket.streams, other)
                step = eager.product_adjoint if kernel is None else kernel.adjoint
                step(bucket, other, gradient, ctx.factor, of_factor)
            found.append(of_factor)
        return (*found, gradient if ctx.needs_input_grad[2] else None, None, None)


class _FunctionKernel:
    """The compiled steps of one function for one set of streams and one precision."""

    def __init__(self, function: Function, streams: Streams, double: bool, units: Units) -> None:
        library = build.library(function_source(function, streams, double, units))
        self._size = 8 if double else 4
        sums = streams.laplacian or (0, 0)
        self._sums = (len(streams), *sums)
        self._forward = _typed(library.forward, 3, 0, 9)
        self._backward = _typed(library.backward, 6, 0, 9)

    def forward(self, bucket: Bucket, data: Tensor, bias: Tensor | None, found: Tensor) -> None:
        replicates, rows, width = data.shape
        skip, step = bucket.start * width * self._size, rows * width
        arguments = (
            data.data_ptr() + skip,
            None if bias is None else bias.data_ptr(),
            found.data_ptr() + skip,
            *(replicates, bucket.points, width, step, 0 if bias is None else bias.stride(0), 0, *self._sums),
        )
        tape.run(partial(self._forward, *arguments), _present(data, bias), (found,))

    def backward(
        self,
        bucket: Bucket,
        data: Tensor,
        bias: Tensor | None,
        found: Tensor,
        gradient: Tensor,
        of_data: Tensor,
        of_bias: Tensor | None,
    ) -> None:
        replicates, rows, width = data.shape
        skip, step = bucket.start * width * self._size, rows * width
        arguments = (
            data.data_ptr() + skip,
            None if bias is None else bias.data_ptr(),
            found.data_ptr() + skip,
            gradient.data_ptr() + skip,
            of_data.data_ptr() + skip,
            None if of_bias is None else of_bias.data_ptr(),
            *(replicates, bucket.points, width, step),
            *(0 if one is None else one.stride(0) for one in (bias, of_bias)),
            *self._sums,
        )
        reads, writes = _present(data, bias, found, gradient), _present(of_data, of_bias)
        tape.run(partial(self._backward, *arguments), reads, writes)


class _ProductKernel:
    """The compiled steps of a product for one set of streams and one precision."""

    def __init__(self, streams: Streams, double: bool) -> None:
        library = build.library(product_source(streams, double))
        self._size = 8 if double else 4
        self._forward = _typed(library.forward, 4, 1, 8)
        self._adjoint = _typed(library.adjoint, 3, 1, 6)

    def forward(
        self, bucket: Bucket, left: Tensor, right: Tensor, base: Tensor | None, factor: float, found: Tensor
    ) -> None:
        replicates, rows, width = found.shape
        arguments = (
            *(self._at(bucket, tensor) for tensor in (left, right, base, found)),
            *(factor, replicates, bucket.points, width),
            *(left.stride(0), right.stride(0), rows * width, left.stride(1), right.stride(1)),
        )
        tape.run(partial(self._forward, *arguments), _present(left, right, base), (found,))

    def adjoint(self, bucket: Bucket, other: Tensor, gradient: Tensor, factor: float, found: Tensor) -> None:
        replicates, rows, width = found.shape
        arguments = (
            *(self._at(bucket, tensor) for tensor in (other, gradient, found)),
            *(factor, replicates, bucket.points, width),
            *(other.stride(0), rows * width, other.stride(1)),
        )
        tape.run(partial(self._adjoint, *arguments), (other, gradient), (found,))

    def _at(self, bucket: Bucket, tensor: Tensor | None) -> int | None:
        return None if tensor is None else tensor.data_ptr() + bucket.start * tensor.stride(1) * self._size


def _in_rows(tensor: Tensor) -> Tensor:
    """As it is where its rows lie at equal steps and each is of neighbouring numbers; else a copy."""
    replicates, rows, width = tensor.shape
    step = tensor.stride(1)
    fits = (
        (tensor.stride(2) == 1 or width == 1)
        and step >= width
        and (replicates == 1 or tensor.stride(0) >= step * rows)
    )
    return tensor if fits else tensor.contiguous()


def _present(*tensors: Tensor | None) -> tuple[Tensor, ...]:
    return tuple(tensor for tensor in tensors if tensor is not None)


def _typed(function: Any, pointers: int, reals: int, integers: int) -> Callable[..., None]:
    function.restype = None
    function.argtypes = [ctypes.c_void_p] * pointers + [ctypes.c_double] * reals + [ctypes.c_long] * integers
    call: Callable[..., None] = function
    return call


def _function_kernel(
    function: Function, bucket: Bucket, data: Tensor, bias: Tensor | None
) -> _FunctionKernel | None:
    if not compiled(data):
        return None
    units = Units.of(data.shape[2] * (bucket.points if bias is None else 1))
    return _made_function(function, bucket.streams, data.dtype == torch.float64, units)


def _product_kernel(streams: Streams, like: Tensor) -> _ProductKernel | None:
    return _made_product(streams, like.dtype == torch.float64) if compiled(like) else None


def compiled(like: Tensor) -> bool:
    """Whether there are compiled steps for tensors of a kind."""
    return like.device.type == "cpu" and build.compiler() is not None


_made_function = lru_cache(maxsize=512)(_FunctionKernel)
_made_product = lru_cache(maxsize=512)(_ProductKernel)
