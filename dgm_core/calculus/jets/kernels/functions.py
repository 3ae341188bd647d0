"""Elementwise functions with their derivatives of any order, as tensors and as C."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

_Coefficients = tuple[int, ...]
"""Of a polynomial, the constant first."""


class Function(ABC):
    """σ with σ′, σ″, … at values v."""

    of_value: bool = False
    """Whether the derivatives follow from σ(v) alone, so that v need not be looked at again."""

    @abstractmethod
    def value(self, v: Tensor) -> Tensor:
        """σ(v)."""

    @abstractmethod
    def derivatives(self, v: Tensor, y: Tensor, order: int) -> list[Tensor | float]:
        """[σ(v), σ′(v), …] up to an order, where y is σ(v); a float is the same everywhere."""

    @abstractmethod
    def code(self, order: int, *, known: bool) -> list[str]:
        """C statements that define s0, s1, … from v, of type T; with `known`, s0 is defined already."""


@dataclass(frozen=True)
class OfItsValue(Function):
    """σ with σ′ a polynomial of σ, as tanh′ = 1 − tanh²; so are all its derivatives."""

    function: Callable[[Tensor], Tensor]
    slope: _Coefficients
    expression: str

    of_value = True

    def value(self, v: Tensor) -> Tensor:
        return self.function(v)

    def derivatives(self, v: Tensor, y: Tensor, order: int) -> list[Tensor | float]:
        return [y, *(_evaluated(_derivative(self.slope, k), y) for k in range(1, order + 1))]

    def code(self, order: int, *, known: bool) -> list[str]:
        lines = [] if known else [f"const T s0 = {self.expression};"]
        slopes = ((k, _derivative(self.slope, k)) for k in range(1, order + 1))
        return lines + [f"const T s{k} = {_horner(slope, 's0')};" for k, slope in slopes]


@dataclass(frozen=True)
class Sinusoid(Function):
    """The sine and its derivatives, from the `start`th on: 0 is the sine, 1 the cosine."""

    start: int

    def value(self, v: Tensor) -> Tensor:
        return torch.cos(v) if self.start else torch.sin(v)

    def derivatives(self, v: Tensor, y: Tensor, order: int) -> list[Tensor | float]:
        other = torch.sin(v) if self.start else torch.cos(v)
        cycle = [y, other, -y, -other] if self.start == 0 else [y, -other, -y, other]
        return [cycle[k % 4] for k in range(order + 1)]

    def code(self, order: int, *, known: bool) -> list[str]:
        value, slope = ("COS(v)", "SIN(v)") if self.start else ("SIN(v)", "COS(v)")
        lines = [] if known else [f"const T s0 = {value};"]
        if order:
            lines.append(f"const T other = {slope};")
        cycle = ["s0", "other", "-s0", "-other"] if self.start == 0 else ["s0", "-other", "-s0", "other"]
        return lines + [f"const T s{k} = {cycle[k % 4]};" for k in range(1, order + 1)]


@dataclass(frozen=True)
class Silu(Function):
    """v · sigmoid(v)."""

    def value(self, v: Tensor) -> Tensor:
        return functional.silu(v)

    def derivatives(self, v: Tensor, y: Tensor, order: int) -> list[Tensor | float]:
        gate = FUNCTIONS["sigmoid"].derivatives(v, torch.sigmoid(v), order)
        return [y, *(torch.addcmul(k * gate[k - 1], v, gate[k]) for k in range(1, order + 1))]  # type: ignore[arg-type]

    def code(self, order: int, *, known: bool) -> list[str]:
        slopes = ((k, _derivative((0, 1, -1), k)) for k in range(order + 1))
        lines = ["const T gate = 1 / (1 + EXP(-v));"]
        lines += [f"const T gate{k} = {_horner(slope, 'gate')};" for k, slope in slopes]
        if not known:
            lines.append("const T s0 = v * gate0;")
        return lines + [f"const T s{k} = v * gate{k} + {k} * gate{k - 1};" for k in range(1, order + 1)]


@dataclass(frozen=True)
class Kinked(Function):
    """The identity above zero, `slope` times it below: ReLU and its leaky relative."""

    slope: float

    def value(self, v: Tensor) -> Tensor:
        return functional.leaky_relu(v, self.slope) if self.slope else torch.relu(v)

    def derivatives(self, v: Tensor, y: Tensor, order: int) -> list[Tensor | float]:
        slope = torch.where(v > 0, 1.0, v.new_tensor(self.slope))
        values: list[Tensor | float] = [y, slope, *[0.0] * (order - 1)]
        return values[: order + 1]

    def code(self, order: int, *, known: bool) -> list[str]:
        lines = [] if known else [f"const T s0 = v > 0 ? v : (T){self.slope!r} * v;"]
        if not self.slope and not known:
            lines = ["const T s0 = v > 0 ? v : (v < 0 ? 0 : v);"]  # a NaN stays one
        if order:
            lines.append(f"const T s1 = v > 0 ? (T)1 : (T){self.slope!r};")
        return lines + [f"const T s{k} = 0;" for k in range(2, order + 1)]


@dataclass(frozen=True)
class Power(Function):
    """v to a power."""

    exponent: float

    def value(self, v: Tensor) -> Tensor:
        return v**self.exponent

    def derivatives(self, v: Tensor, y: Tensor, order: int) -> list[Tensor | float]:
        values: list[Tensor | float] = [y]
        factor = 1.0
        for k in range(1, order + 1):
            factor *= self.exponent - k + 1
            values.append(factor * v ** (self.exponent - k) if factor else 0.0)
        return values

    def code(self, order: int, *, known: bool) -> list[str]:
        lines, factor = [] if known else [f"const T s0 = {self._power(self.exponent)};"], 1.0
        for k in range(1, order + 1):
            factor *= self.exponent - k + 1
            power = self._power(self.exponent - k)
            lines.append(f"const T s{k} = {f'(T){factor!r} * {power}' if factor else '0'};")
        return lines

    @staticmethod
    def _power(exponent: float) -> str:
        if exponent == int(exponent) and abs(exponent) <= 8:
            product = " * ".join(["v"] * int(abs(exponent))) or "(T)1"
            return product if exponent >= 0 else f"1 / ({product})"
        return f"POW(v, (T){exponent!r})"


@dataclass(frozen=True)
class Arctangent(Function):
    """The arctangent: its kth derivative is a polynomial of v over (1 + v²)^k."""

    def value(self, v: Tensor) -> Tensor:
        return torch.atan(v)

    def derivatives(self, v: Tensor, y: Tensor, order: int) -> list[Tensor | float]:
        share = 1.0 / (1.0 + v * v)
        return [y, *(_evaluated(_numerator(k), v) * share**k for k in range(1, order + 1))]

    def code(self, order: int, *, known: bool) -> list[str]:
        lines = [] if known else ["const T s0 = ATAN(v);"]
        if order:
            lines.append("const T share1 = 1 / (1 + v * v);")
        for k in range(1, order + 1):
            if k > 1:
                lines.append(f"const T share{k} = share{k - 1} * share1;")
            lines.append(f"const T s{k} = ({_horner(_numerator(k), 'v')}) * share{k};")
        return lines


FUNCTIONS: dict[str, Function] = {
    "tanh": OfItsValue(torch.tanh, (1, 0, -1), "TANH(v)"),
    "sigmoid": OfItsValue(torch.sigmoid, (0, 1, -1), "1 / (1 + EXP(-v))"),
    "exp": OfItsValue(torch.exp, (0, 1), "EXP(v)"),
    "expm1": OfItsValue(torch.expm1, (1, 1), "EXPM1(v)"),
    "sin": Sinusoid(0),
    "cos": Sinusoid(1),
    "atan": Arctangent(),
    "silu": Silu(),
    "relu": Kinked(0.0),
    "leaky_relu": Kinked(0.01),
}
"""By the name that torch gives them."""


@lru_cache(maxsize=256)
def _derivative(slope: _Coefficients, order: int) -> _Coefficients:
    """The polynomial of y = σ that the derivative of an order is, where σ′ is `slope` of y."""
    if order == 0:
        return (0, 1)
    before = _derivative(slope, order - 1)
    inner = [k * c for k, c in enumerate(before)][1:]
    product = [0] * (len(inner) + len(slope) - 1)
    for i, a in enumerate(inner):
        for j, b in enumerate(slope):
            product[i + j] += a * b
    return tuple(product)


@lru_cache(maxsize=64)
def _numerator(order: int) -> _Coefficients:
    """Pₖ of v, where the kth derivative of the arctangent is Pₖ / (1 + v²)ᵏ: P₁ = 1 and
    Pₖ₊₁ = (1 + v²) Pₖ′ − 2 k v Pₖ."""
    if order == 1:
        return (1,)
    k, before = order - 1, _numerator(order - 1)
    found = [0] * (len(before) + 1)
    for power, coefficient in enumerate(before):
        if power:
            found[power - 1] += power * coefficient
        found[power + 1] += power * coefficient - 2 * k * coefficient
    return tuple(found)


def _evaluated(polynomial: Sequence[int], y: Tensor) -> Tensor:
    total = torch.full_like(y, polynomial[-1])
    for coefficient in polynomial[-2::-1]:
        total = total.mul_(y).add_(coefficient)
    return total


def _horner(polynomial: Sequence[int], name: str) -> str:
    text = str(polynomial[-1])
    for coefficient in polynomial[-2::-1]:
        text = f"({text}) * {name}" + (f" + {coefficient}" if coefficient else "")
    return text
