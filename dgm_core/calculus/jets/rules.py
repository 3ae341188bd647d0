"""What torch's functions are for jets: one rule each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dgm_core.calculus.jets.expressions import Joined, bounded, divided, fusable, multiplied
from dgm_core.calculus.jets.jet import RULES, Jet, NoRuleError, Rule, rule
from dgm_core.calculus.jets.kernels.functions import FUNCTIONS, Function, Kinked, Power
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.nodes import Applied, ElementwiseProduct, Leaf, Operation, Shifted, Sum, raised
from dgm_core.calculus.jets.seeds import Seed


def apply(function: Function, x: Jet) -> Jet:
    """An elementwise function of a jet."""
    return _waiting(Applied(function, x.node), x.layout)


@rule(torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__)
def add(x: Any, other: Any, *, alpha: float = 1.0) -> Jet:
    """The sum of two jets, or of a jet and what does not depend on the points."""
    if not isinstance(x, Jet):
        x, other = other, x
        if alpha != 1.0:
            raise NoRuleError("a sum with a factor on a jet")
    if not isinstance(other, Jet):
        if isinstance(other, (int, float)) and other == 0:
            return x
        constant = alpha * _constant(other, x)
        if isinstance(x.node, Seed) and x.node.takes(constant):
            return Jet(x.node.plus(constant), x.layout)
        return Jet(raised(x.settled(), constant, x.layout), x.layout)
    _check_together(x, other)
    if x.width == other.width:
        return _waiting(Sum(x.node, other.node, float(alpha)), x.layout)
    return Jet(torch.add(x.settled(), other.settled(), alpha=alpha), x.layout)


@rule(torch.sub, Tensor.sub, Tensor.__sub__, Tensor.__rsub__)
def subtract(x: Any, other: Any) -> Jet:
    """The difference of two jets, or of a jet and what does not depend on the points."""
    return add(x, -other) if isinstance(x, Jet) else add(multiply(other, -1.0), x)


@rule(torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, torch.multiply)
def multiply(x: Any, other: Any) -> Jet:
    """The product of two jets, or of a jet and what does not depend on the points."""
    if isinstance(x, Jet) and isinstance(other, Jet):
        return add_product(None, x, other)
    jet, factor = (x, other) if isinstance(x, Jet) else (other, x)
    if isinstance(factor, Tensor):
        factor = _constant(factor, jet)
        if isinstance(jet.node, Seed) and jet.node.takes(factor) and factor.numel() == jet.width:
            return Jet(jet.node.times(factor.view(1, 1, -1)), jet.layout)
    return Jet(jet.settled() * factor, jet.layout)


@rule(torch.div, Tensor.div, Tensor.__truediv__, Tensor.__rtruediv__)
def divide(x: Any, other: Any) -> Jet:
    """A quotient."""
    if isinstance(other, Jet):
        return multiply(apply(Power(-1.0), other), x)
    return multiply(x, 1.0 / other if isinstance(other, (int, float)) else other.reciprocal())


@rule(torch.pow, Tensor.pow, Tensor.__pow__)
def power(x: Jet, exponent: Any) -> Jet:
    """A power with a number as its exponent."""
    if not isinstance(exponent, (int, float)) or not isinstance(x, Jet):
        raise NoRuleError("a power whose exponent is no number")
    return multiply(x, x) if exponent == 2 else apply(Power(float(exponent)), x)


@rule(torch.addcmul)
def add_product(base: Any, left: Any, right: Any, *, value: float = 1.0) -> Jet:
    """base + value · left · right; without a base where it is None."""
    if not isinstance(left, Jet) or not isinstance(right, Jet):
        return add(base, multiply(left, right), alpha=value)
    if not isinstance(base, Jet | None):
        return add(add_product(None, left, right, value=value), base)
    _check_together(left, right)
    width = max(left.width, right.width)
    factors = (x.node if x.width == width else Leaf(x.settled().expand(-1, -1, width)) for x in (left, right))
    product = ElementwiseProduct(*factors)
    if base is None:
        scaled = _waiting(product, left.layout)
        return scaled if value == 1.0 else multiply(scaled, value)
    return add(base, _waiting(product, left.layout), alpha=value)


@rule(torch.bmm, torch.matmul, Tensor.bmm, Tensor.matmul, Tensor.__matmul__)
def linear(x: Any, weight: Any) -> Jet:
    """A linear map of all streams at once, weight (K, W, W')."""
    if not isinstance(x, Jet) or not isinstance(weight, Tensor):
        raise NoRuleError("a matrix product whose matrix is a jet")
    node = x.node
    if weight.dim() == 3 and len(weight) == len(x):
        if isinstance(node, Seed) and (spread := node.spread(weight)) is not None:
            return Jet(spread, x.layout)
        if isinstance(node, Seed) and node.constant:
            return Jet(*node.mapped(weight))
        if isinstance(node, Joined) and any(isinstance(side, Seed) for side in node.sides):
            return _mapped_apart(node, weight, x.layout)
        return Jet(multiplied(node, weight, x.layout), x.layout)
    return Jet(torch.matmul(x.settled(), weight), x.layout)


@rule(torch.baddbmm)
def affine(base: Any, x: Any, weight: Any) -> Jet:
    """base + x W, where base is a bias (K, 1, W') or a jet."""
    if isinstance(base, Jet):
        return add(base, linear(x, weight))
    mapped = linear(x, weight)
    bias = _constant(base, mapped)
    if bias.shape != (len(mapped), 1, mapped.width):
        bias = bias.expand(len(mapped), 1, mapped.width)
    if isinstance(mapped.node, Leaf):
        return Jet(Leaf(mapped.rows, bias), mapped.layout)
    return Jet(Shifted(mapped.node, bias), mapped.layout)


def _mapped_apart(node: Joined, weight: Tensor, layout: Layout) -> Jet:
    """Columns side by side times a weight, where the points are among them: each for itself, added up."""
    total: Jet | None = None
    for side, part in zip(node.sides, weight.split([side.width for side in node.sides], dim=1), strict=True):
        mapped = linear(Jet(side, layout), part)
        total = mapped if total is None else add(mapped, total)
    assert total is not None
    return total


@rule(torch.cat, torch.concat)
def concatenate(parts: Sequence[Any], dim: int = 0) -> Jet:
    """Jets side by side along their last axis."""
    if dim not in (-1, 2) or not all(isinstance(part, Jet) for part in parts):
        raise NoRuleError("a concatenation of anything but jets along the last axis")
    _check_together(*parts)
    return Jet(Joined(tuple(part.node for part in parts)), parts[0].layout)


@rule(torch.chunk, Tensor.chunk)
def chunk(x: Jet, count: int, dim: int = 0) -> tuple[Jet, ...]:
    """Equal parts along the last axis."""
    if dim not in (-1, 2):
        raise NoRuleError("a split along anything but the last axis")
    if x.width % count == 0 and fusable(x.layout, x.like):
        return tuple(Jet(part, x.layout) for part in divided(x.node, count, x.layout))
    return tuple(Jet(part, x.layout) for part in x.settled().chunk(count, dim=2))


@rule(torch.sum, Tensor.sum)
def total(x: Jet, dim: Any = None, keepdim: bool = False) -> Jet:
    """A sum along the last axis."""
    if dim not in (-1, 2, (-1,), [-1]) or not keepdim:
        raise NoRuleError("a sum along anything but the last axis, kept")
    return Jet(x.settled().sum(dim=-1, keepdim=True), x.layout)


@rule(torch.mean, Tensor.mean)
def mean(x: Jet, dim: Any = None, keepdim: bool = False) -> Jet:
    """A mean along the last axis."""
    return multiply(total(x, dim, keepdim), 1.0 / x.rows.shape[2])


@rule(torch.prod, Tensor.prod)
def product(x: Jet, dim: Any = None, keepdim: bool = False) -> Jet:
    """A product along the last axis."""
    if dim not in (-1, 2) or not keepdim:
        raise NoRuleError("a product along anything but the last axis, kept")
    columns = [Jet(column, x.layout) for column in x.settled().split(1, dim=-1)]
    result = columns[0]
    for column in columns[1:]:
        result = multiply(result, column)
    return result


@rule(functional.leaky_relu)
def leaky_relu(x: Jet, negative_slope: float = 0.01, inplace: bool = False) -> Jet:
    """x above zero, a multiple of it below."""
    return apply(Kinked(negative_slope), x)


@rule(torch.ones_like)
def ones(x: Jet) -> Tensor:
    """A one for each column."""
    return torch.ones_like(x.rows[:1, :1])


@rule(torch.zeros_like)
def zeros(x: Jet) -> Tensor:
    """A zero for each column."""
    return torch.zeros_like(x.rows[:1, :1])


def _made_like(name: str) -> Rule:
    def make_like(x: Jet, *arguments: Any, **options: Any) -> Tensor:
        made: Tensor = getattr(x.rows, name)(*arguments, **options)
        return made

    return make_like


for _name in ("new_tensor", "new_zeros", "new_ones", "new_full"):
    RULES[getattr(Tensor, _name)] = _made_like(_name)


@rule(torch.neg, Tensor.neg, Tensor.__neg__)
def negative(x: Jet) -> Jet:
    """−x."""
    return multiply(x, -1.0)


@rule(torch.square, Tensor.square)
def square(x: Jet) -> Jet:
    """x²."""
    return multiply(x, x)


@rule(torch.sqrt, Tensor.sqrt)
def root(x: Jet) -> Jet:
    """√x."""
    return apply(Power(0.5), x)


@rule(torch.reciprocal, Tensor.reciprocal)
def reciprocal(x: Jet) -> Jet:
    """1 / x."""
    return apply(Power(-1.0), x)


@rule(Tensor.to)
def to(x: Any, *arguments: Any, **options: Any) -> Any:
    """A tensor in a jet's precision; a jet as it is."""
    like: Any = [argument.rows if isinstance(argument, Jet) else argument for argument in arguments]
    if isinstance(x, Jet):
        if x.rows.to(*like, **options) is not x.rows:
            raise NoRuleError("a change of a jet's precision or device")
        return x
    return x.to(*like, **options)


def _elementwise(name: str) -> Rule:
    function = FUNCTIONS[name]

    def elementwise(x: Jet, *rest: Any, **options: Any) -> Jet:
        if rest or any(options.values()):
            raise NoRuleError(f"{name} with options")
        return apply(function, x)

    return elementwise


for _name in FUNCTIONS:
    _own = _elementwise(_name)
    for _room in (torch, Tensor, functional):
        if hasattr(_room, _name) and getattr(_room, _name) not in RULES:
            RULES[getattr(_room, _name)] = _own


def _waiting(operation: Operation, layout: Layout) -> Jet:
    return Jet(bounded(operation, layout), layout)


def _check_together(*jets: Any) -> None:
    if any(jet.layout is not jets[0].layout for jet in jets):
        raise NoRuleError("jets of different points")


def _constant(value: Any, like: Jet) -> Tensor:
    """What does not depend on the points, as it combines with (K, R, W)."""
    if not isinstance(value, Tensor):
        return like.rows.new_tensor(value)
    if value.dim() >= 2 and value.shape[-2] != 1:
        raise NoRuleError("a tensor with a row for each point")
    return value
