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
from dgm_core.calculus.jets import build, eager
from dgm_core.calculus.jets.functions import Function
from dgm_core.calculus.jets.layout import Bucket, Layout
from dgm_core.calculus.jets.source import function_source, product_source
from dgm_core.calculus.jets.streams import Streams


class Apply(torch.autograd.Function):
    """σ of a jet: data (K, R, W) and a bias (K, 1, W), of the values alone, or None -> (K, R, W)."""

    @staticmethod
    def forward(ctx: Any, data: Tensor, bias: Tensor | None, function: Function, layout: Layout) -> Tensor:
        data = data.contiguous()
        bias = None if bias is None else bias.contiguous()
        found = torch.empty_like(data)
        for bucket in layout.buckets:
            kernel = _function_kernel(function, bucket.streams, data)
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
        of_bias = None if bias is None else torch.zeros_like(bias)
        for bucket in ctx.layout.buckets:
            kernel = _function_kernel(ctx.function, bucket.streams, data)
            if kernel is None:
                eager.function_backward(ctx.function, bucket, data, bias, found, gradient, of_data, of_bias)
            else:
                kernel.backward(bucket, data, bias, found, gradient, of_data, of_bias)
        return of_data, of_bias, None, None


class Product(torch.autograd.Function):
    """The product of two jets of one layout, (K, R, W) each."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, layout: Layout) -> Tensor:
        left, right = left.contiguous(), right.contiguous()
        found = torch.empty_like(left)
        for bucket in layout.buckets:
            kernel = _product_kernel(bucket.streams, left)
            (eager.product if kernel is None else kernel.forward)(bucket, left, right, found)
        ctx.save_for_backward(left, right)
        ctx.layout = layout
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
                step(bucket, other, gradient, of_factor)
            found.append(of_factor)
        return (*found, None)


class _FunctionKernel:
    """The compiled steps of one function for one set of streams and one precision."""

    def __init__(self, function: Function, streams: Streams, double: bool) -> None:
        library = build.library(function_source(function, streams, double))
        self._size = 8 if double else 4
        sums = streams.laplacian or (0, 0)
        self._sums = (len(streams), *sums)
        self._forward = _typed(library.forward, 3, 8)
        self._backward = _typed(library.backward, 6, 8)

    def forward(self, bucket: Bucket, data: Tensor, bias: Tensor | None, found: Tensor) -> None:
        replicates, rows, width = data.shape
        skip, step = bucket.start * width * self._size, rows * width
        arguments = (
            data.data_ptr() + skip,
            None if bias is None else bias.data_ptr(),
            found.data_ptr() + skip,
            *(replicates, bucket.points, width, step, step, *self._sums),
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
            *(replicates, bucket.points, width, step, step, *self._sums),
        )
        reads, writes = _present(data, bias, found, gradient), _present(of_data, of_bias)
        tape.run(partial(self._backward, *arguments), reads, writes)


class _ProductKernel:
    """The compiled steps of a product for one set of streams and one precision."""

    def __init__(self, streams: Streams, double: bool) -> None:
        library = build.library(product_source(streams, double))
        self._size = 8 if double else 4
        self._forward = _typed(library.forward, 3, 5)
        self._adjoint = _typed(library.adjoint, 3, 5)

    def forward(self, bucket: Bucket, left: Tensor, right: Tensor, found: Tensor) -> None:
        self._run(self._forward, bucket, left, right, found)

    def adjoint(self, bucket: Bucket, other: Tensor, gradient: Tensor, found: Tensor) -> None:
        self._run(self._adjoint, bucket, other, gradient, found)

    def _run(self, step: Callable[..., None], bucket: Bucket, *tensors: Tensor) -> None:
        replicates, rows, width = tensors[0].shape
        skip, jump = bucket.start * width * self._size, rows * width
        pointers = (tensor.data_ptr() + skip for tensor in tensors)
        call = partial(step, *pointers, replicates, bucket.points * width, jump, jump, jump)
        tape.run(call, tensors[:2], tensors[2:])


def _present(*tensors: Tensor | None) -> tuple[Tensor, ...]:
    return tuple(tensor for tensor in tensors if tensor is not None)


def _typed(function: Any, pointers: int, numbers: int) -> Callable[..., None]:
    function.restype = None
    function.argtypes = [ctypes.c_void_p] * pointers + [ctypes.c_long] * numbers
    call: Callable[..., None] = function
    return call


def _function_kernel(function: Function, streams: Streams, like: Tensor) -> _FunctionKernel | None:
    if like.device.type != "cpu":
        return None
    return _function_kernel_of(function, streams, like.dtype)


def _product_kernel(streams: Streams, like: Tensor) -> _ProductKernel | None:
    if like.device.type != "cpu":
        return None
    return _product_kernel_of(streams, like.dtype)


@lru_cache(maxsize=512)
def _function_kernel_of(function: Function, streams: Streams, dtype: torch.dtype) -> _FunctionKernel | None:
    if build.compiler() is None:
        return None
    return _FunctionKernel(function, streams, dtype == torch.float64)


@lru_cache(maxsize=512)
def _product_kernel_of(streams: Streams, dtype: torch.dtype) -> _ProductKernel | None:
    if build.compiler() is None:
        return None
    return _ProductKernel(streams, dtype == torch.float64)
