"""The rules of functions and products as tensor operations: for devices and machines without compiled ones.

Each writes into what it is given; arrays are those of `apply`.
"""

from __future__ import annotations

from collections import Counter

from torch import Tensor

from dgm_core.calculus.jets.kernels.functions import Function
from dgm_core.calculus.jets.layout import Bucket
from dgm_core.calculus.jets.streams import Composed


def function(function: Function, bucket: Bucket, data: Tensor, bias: Tensor | None, found: Tensor) -> None:
    """σ of a bucket's streams."""
    z, h = bucket.view(data), bucket.view(found)
    v = z[:, 0] if bias is None else z[:, 0] + bias
    h[:, 0] = function.value(v)
    if len(bucket.streams) == 1:
        return
    slopes = function.derivatives(v, h[:, 0], bucket.streams.order)
    # Every derivative of σ(z) has one addend σ′ times that of z: all at once, and then the others.
    h[:, 1:] = _product([z[:, 1:], _for_all(slopes[1])])
    for place, addends in _bent(bucket):
        if bucket.streams.laplacian is not None:
            squares = _squared(bucket, z).square().sum(dim=1)
            h[:, place] += _product([squares, slopes[2]])
            continue
        for one in addends:
            factors = [z[:, f] for f in one.factors]
            h[:, place] += _product([one.coefficient, slopes[one.order], *factors])


def function_backward(
    function: Function,
    bucket: Bucket,
    data: Tensor,
    bias: Tensor | None,
    found: Tensor,
    gradient: Tensor,
    of_data: Tensor,
    of_bias: Tensor | None,
) -> None:
    """The gradients of `function`: of the data, and, added to what is there, of the bias."""
    z, h, g, dz = (bucket.view(one) for one in (data, found, gradient, of_data))
    v = z[:, 0] if bias is None else z[:, 0] + bias
    slopes = function.derivatives(v, h[:, 0], bucket.streams.order + 1)
    of_value = _product([g[:, 0], slopes[1]])
    if len(bucket.streams) > 1:
        dz[:, 1:] = _product([g[:, 1:], _for_all(slopes[1])])
        of_value = of_value + _product([(z[:, 1:] * g[:, 1:]).sum(dim=1), slopes[2]])
    for place, addends in _bent(bucket):
        if bucket.streams.laplacian is not None:
            first, count = bucket.streams.laplacian
            block, last = _squared(bucket, z), g[:, place]
            of_value = of_value + _product([block.square().sum(dim=1), slopes[3], last])
            dz[:, first : first + count] += 2.0 * block * _for_all(_product([last, slopes[2]]))
            continue
        for one in addends:
            factors = [z[:, f] for f in one.factors]
            of_value = of_value + _product([one.coefficient, slopes[one.order + 1], *factors, g[:, place]])
            for factor, times in Counter(one.factors).items():
                rest = list(one.factors)
                rest.remove(factor)
                own = [one.coefficient * times, slopes[one.order], *(z[:, f] for f in rest), g[:, place]]
                dz[:, factor] += _product(own)
    dz[:, 0] = of_value
    if of_bias is not None:
        of_bias += of_value.sum(dim=1, keepdim=True)


def _bent(bucket: Bucket) -> list[tuple[int, list[Composed]]]:
    """The addends of second and higher order in σ, by the place of their stream."""
    nonlinear = [
        (place, [one for one in addends if one.order > 1])
        for place, addends in enumerate(bucket.streams.composed[1:], 1)
    ]
    return [(place, addends) for place, addends in nonlinear if addends]


def _squared(bucket: Bucket, z: Tensor) -> Tensor:
    """The first derivatives whose squares a Laplacian adds up, (K, d, n, W)."""
    assert bucket.streams.laplacian is not None
    first, count = bucket.streams.laplacian
    return z[:, first : first + count]


def _for_all(slope: Tensor | float) -> Tensor | float:
    """A factor of values (K, n, W) for all streams (K, S, n, W)."""
    return slope.unsqueeze(1) if isinstance(slope, Tensor) else slope


def product(
    bucket: Bucket, left: Tensor, right: Tensor, base: Tensor | None, factor: float, found: Tensor
) -> None:
    """base + factor · left · right of a bucket's streams."""
    a, b, o = bucket.view(left), bucket.view(right), bucket.view(found)
    c = None if base is None else bucket.view(base)
    for place, addends in enumerate(bucket.streams.multiplied):
        total: Tensor | float = 0.0 if c is None else c[:, place]
        for one in addends:
            total = total + _product([factor, one.coefficient, a[:, one.left], b[:, one.right]])
        o[:, place] = total


def product_adjoint(bucket: Bucket, other: Tensor, gradient: Tensor, factor: float, found: Tensor) -> None:
    """The gradient of one factor, from the other."""
    b, g, da = bucket.view(other), bucket.view(gradient), bucket.view(found)
    da.zero_()
    for place, addends in enumerate(bucket.streams.multiplied):
        for one in addends:
            da[:, one.left] += _product([factor, one.coefficient, b[:, one.right], g[:, place]])


def _product(factors: list[Tensor | float]) -> Tensor:
    """Of tensors and numbers; ones are left out, and zeros cost nothing more than a scaling."""
    number = 1.0
    total: Tensor | None = None
    for factor in factors:
        if isinstance(factor, Tensor):
            total = factor if total is None else total * factor
        else:
            number *= factor
    assert total is not None
    return total if number == 1.0 else total * number
