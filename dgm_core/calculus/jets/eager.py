"""The rules of functions and products as tensor operations: for devices and machines without compiled ones.

Each writes into what it is given; arrays are those of `apply`.
"""

from __future__ import annotations

from collections import Counter

from torch import Tensor

from dgm_core.calculus.jets.functions import Function
from dgm_core.calculus.jets.layout import Bucket


def function(function: Function, bucket: Bucket, data: Tensor, bias: Tensor | None, found: Tensor) -> None:
    """σ of a bucket's streams."""
    z, h = bucket.view(data), bucket.view(found)
    v = z[:, 0] if bias is None else z[:, 0] + bias
    h[:, 0] = function.value(v)
    if len(bucket.streams) == 1:
        return
    slopes = function.derivatives(v, h[:, 0], bucket.streams.order)
    for place, addends in enumerate(bucket.streams.composed[1:], 1):
        total: Tensor | float = 0.0
        for one in addends:
            total = total + _product([one.coefficient, slopes[one.order], *(z[:, f] for f in one.factors)])
        h[:, place] = total


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
    of_value = _product([slopes[1], g[:, 0]])
    dz[:, 1:] = 0.0
    for place, addends in enumerate(bucket.streams.composed[1:], 1):
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


def product(bucket: Bucket, left: Tensor, right: Tensor, found: Tensor) -> None:
    """The product of a bucket's streams."""
    a, b, o = bucket.view(left), bucket.view(right), bucket.view(found)
    for place, addends in enumerate(bucket.streams.multiplied):
        total: Tensor | float = 0.0
        for one in addends:
            total = total + _product([one.coefficient, a[:, one.left], b[:, one.right]])
        o[:, place] = total


def product_adjoint(bucket: Bucket, other: Tensor, gradient: Tensor, found: Tensor) -> None:
    """The gradient of one factor, from the other."""
    b, g, da = bucket.view(other), bucket.view(gradient), bucket.view(found)
    da.zero_()
    for place, addends in enumerate(bucket.streams.multiplied):
        for one in addends:
            da[:, one.left] += _product([one.coefficient, b[:, one.right], g[:, place]])


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
