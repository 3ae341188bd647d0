"""Programs as tensor operations: for devices and machines without compiled kernels.

They run one operation at a time, its biases before it: a program of several would keep as much as each alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from torch import Tensor

from dgm_core.calculus.jets.kernels.program import (
    Add,
    Compose,
    Load,
    Multiply,
    Program,
    Shift,
    needed,
)
from dgm_core.calculus.jets.layout import Bucket
from dgm_core.calculus.jets.streams import Composed

Value = tuple[Tensor, Tensor | None]
"""Streams (K, S, n, W), and a bias (K, 1, W) still to be added to the values."""


class Eager:
    """A program for one bucket of its points; sources: what it reads, in order."""

    def __init__(self, program: Program, bucket: Bucket, sources: Sequence[Tensor]) -> None:
        self._program = program
        self._bucket = bucket
        self._places = [sum(len(step.slots) for step in program[:t]) for t in range(len(program))]
        self._sources = sources
        self._values: dict[int, Value] = {}

    def forward(self, result: Tensor) -> None:
        """Writes the result's rows."""
        last = len(self._program) - 1
        h = self._bucket.view(result)
        match self._program[last]:
            case Compose() as step:
                self._compose(step, h)
            case _:
                h.copy_(self._settled(last))

    def backward(
        self, gradient: Tensor, targets: Sequence[Tensor | None], result: Tensor | None = None
    ) -> None:
        """From the result's gradient, writes those of streams and adds those of constants; result: where the
        program `keeps` it."""
        self._targets = targets
        if result is not None:
            self._values[len(self._program) - 1] = self._bucket.view(result), None
        self._adjoints: dict[int, Tensor] = {len(self._program) - 1: self._bucket.view(gradient)}
        for t in reversed(range(len(self._program))):
            if t in self._needed and t in self._adjoints:
                self._pull(t, self._adjoints[t])

    @cached_property
    def _needed(self) -> set[int]:
        return needed(self._program)

    def _value(self, t: int) -> Value:
        if t not in self._values:
            self._values[t] = self._made(t)
        return self._values[t]

    def _made(self, t: int) -> Value:
        match self._program[t]:
            case Load():
                return self._bucket.view(self._sources[self._places[t]]), None
            case Shift(inner, _):
                streams, bias = self._value(inner)
                added = self._sources[self._places[t]]
                return streams, added if bias is None else bias + added
            case Compose() as step:
                streams, _ = self._value(step.inner)
                h = streams.new_empty(streams.shape)
                self._compose(step, h)
                return h, None
            case Multiply(left, right):
                a, b = self._settled(left), self._settled(right)
                o = a.new_empty(a.shape)
                for place, addends in enumerate(self._bucket.streams.multiplied):
                    products = (_product([m.coefficient, a[:, m.left], b[:, m.right]]) for m in addends)
                    o[:, place] = sum(products)
                return o, None
            case Add(left, right, factor):
                return self._settled(left) + _product([self._settled(right), factor]), None
        raise AssertionError(self._program[t])

    def _settled(self, t: int) -> Tensor:
        """The streams of a step, nothing left to be added."""
        streams, bias = self._value(t)
        if bias is None:
            return streams
        raised = streams.clone()
        raised[:, 0] += bias
        return raised

    def _compose(self, step: Compose, h: Tensor) -> None:
        z, bias = self._value(step.inner)
        v = z[:, 0] if bias is None else z[:, 0] + bias
        h[:, 0] = step.function.value(v)
        if h.shape[1] == 1:
            return
        streams = self._bucket.streams
        slopes = step.function.derivatives(v, h[:, 0], streams.order)
        # Every derivative of σ(z) has one addend σ′ times that of z: all at once, and then the others.
        h[:, 1:] = _product([z[:, 1:], _for_all(slopes[1])])
        if streams.laplacian is not None:
            h[:, -1] += _product([self._squared(z).square().sum(dim=1), slopes[2]])
            return
        for place, addends in enumerate(streams.composed):
            for addend in addends:
                if addend.order > 1:
                    h[:, place] += self._addend(addend, slopes, z)

    def _pull(self, t: int, adjoint: Tensor) -> None:
        """What follows from the adjoint of a step for those before it."""
        step = self._program[t]
        target = self._targets[self._places[t]] if step.slots else None
        match step:
            case Load():
                if target is not None:
                    rows = self._bucket.view(target)
                    if rows.data_ptr() != adjoint.data_ptr():
                        rows.copy_(rows + adjoint if step.added else adjoint)
            case Shift(inner, _):
                if target is not None:
                    target += adjoint[:, 0].sum(dim=1, keepdim=True)
                self._give(inner, adjoint)
            case Compose(_, inner):
                self._give(inner, self._composed_adjoint(step, adjoint, self._settled(t)))
            case Multiply(left, right):
                if left in self._needed:
                    self._give(left, self._factor_adjoint(left, adjoint, self._settled(right)))
                if right in self._needed:
                    self._give(right, self._factor_adjoint(right, adjoint, self._settled(left)))
            case Add(left, right, factor):
                self._give(left, adjoint)
                self._give(right, _product([adjoint, factor]))

    def _give(self, t: int, adjoint: Tensor) -> None:
        known = self._adjoints.get(t)
        self._adjoints[t] = adjoint if known is None else known + adjoint

    def _room(self, t: int, like: Tensor) -> Tensor:
        """Where the adjoint of a step is written: where the gradient goes in the end, if it is the first."""
        place = t
        while isinstance(step := self._program[place], Shift) and place not in self._adjoints:
            place = step.inner
        if isinstance(step, Load) and not step.added and place not in self._adjoints:
            target = self._targets[self._places[place]]
            if target is not None:
                return self._bucket.view(target)
        return like.new_empty(like.shape)

    def _composed_adjoint(self, step: Compose, g: Tensor, h: Tensor) -> Tensor:
        z, bias = self._value(step.inner)
        dz = self._room(step.inner, z)
        v = z[:, 0] if bias is None else z[:, 0] + bias
        streams = self._bucket.streams
        slopes = step.function.derivatives(v, h[:, 0], streams.order + 1)
        of_value = _product([g[:, 0], slopes[1]])
        if len(streams) > 1:
            dz[:, 1:] = _product([g[:, 1:], _for_all(slopes[1])])
            of_value = of_value + _product([(z[:, 1:] * g[:, 1:]).sum(dim=1), slopes[2]])
        if streams.laplacian is not None:
            first, count = streams.laplacian
            block, last = self._squared(z), g[:, -1]
            of_value = of_value + _product([block.square().sum(dim=1), slopes[3], last])
            dz[:, first : first + count] += 2.0 * block * _for_all(_product([last, slopes[2]]))
        else:
            for pull in streams.pulled:
                if pull.place == 0 and pull.addend.order > 2:
                    of_value = of_value + self._addend(pull.addend, slopes, z, g[:, pull.source])
                elif pull.place and pull.addend.order > 1:
                    dz[:, pull.place] += self._addend(pull.addend, slopes, z, g[:, pull.source])
        dz[:, 0] = of_value
        return dz

    def _factor_adjoint(self, t: int, g: Tensor, other: Tensor) -> Tensor:
        """The gradient of one factor, from the other: Leibniz's rule is the same for both."""
        adjoint = self._room(t, g).zero_()
        for place, addends in enumerate(self._bucket.streams.multiplied):
            for addend in addends:
                adjoint[:, addend.left] += _product([addend.coefficient, other[:, addend.right], g[:, place]])
        return adjoint

    def _squared(self, z: Tensor) -> Tensor:
        """The first derivatives whose squares a Laplacian adds up, (K, d, n, W)."""
        assert self._bucket.streams.laplacian is not None
        first, count = self._bucket.streams.laplacian
        return z[:, first : first + count]

    @staticmethod
    def _addend(addend: Composed, slopes: Sequence[Tensor | float], z: Tensor, *more: Tensor) -> Tensor:
        return _product([addend.coefficient, slopes[addend.order], *(z[:, f] for f in addend.factors), *more])


def _for_all(slope: Tensor | float) -> Tensor | float:
    """A factor of values (K, n, W) for all streams (K, S, n, W)."""
    return slope.unsqueeze(1) if isinstance(slope, Tensor) else slope


def _product(factors: Sequence[Tensor | float]) -> Tensor:
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
