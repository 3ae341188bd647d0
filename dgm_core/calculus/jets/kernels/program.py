"""Elementwise operations of jets, one or several, as a program: what is computed, whatever computes it.

A kernel is compiled from it where there is a compiler (`writer.py`); else tensor operations do the same
(`eager.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum

from dgm_core.calculus.jets.kernels.functions import Function


class Slot(Enum):
    """What a program reads: streams (K, R, W), points (K, N, d), a row for each stream of all buckets
    (1, S, d), or what is the same for all points."""

    ROWS = "rows"
    POINTS = "points"
    STREAMS = "streams"
    CONSTANT = "constant"


@dataclass(frozen=True)
class Load:
    """Streams from memory; needed: whether for a gradient; added: to be added to one that is there."""

    needed: bool
    added: bool = False
    slots = ((Slot.ROWS, True),)


@dataclass(frozen=True)
class Spread:
    """The first linear map: points (K, N, inputs) times a weight (K, inputs, W).

    Its streams are the weight's rows, times what the streams of the points themselves are.  needed: whether
    for a gradient of the weight.
    """

    inputs: int
    needed: bool
    slots = ((Slot.POINTS, False), (Slot.CONSTANT, True), (Slot.STREAMS, False))


@dataclass(frozen=True)
class Shift:
    """An earlier step, a bias (K, 1, W) added to its values; needed: whether for a gradient of the bias."""

    inner: int
    needed: bool
    slots = ((Slot.CONSTANT, True),)


@dataclass(frozen=True)
class Compose:
    """σ of an earlier step."""

    function: Function
    inner: int
    needed = False
    slots = ()


@dataclass(frozen=True)
class Multiply:
    """The product of two earlier steps."""

    left: int
    right: int
    needed = False
    slots = ()


@dataclass(frozen=True)
class Add:
    """left + factor · right, of earlier steps."""

    left: int
    right: int
    factor: float
    needed = False
    slots = ()


@dataclass(frozen=True)
class Contract:
    """The last linear map: an earlier step times a weight (K, outputs, W), which is read by its columns.

    It ends a program, whose result then has as many columns.  needed: whether for a gradient of the weight.
    """

    inner: int
    outputs: int
    needed: bool
    slots = ((Slot.CONSTANT, True),)


Step = Load | Spread | Shift | Compose | Multiply | Add | Contract
"""slots: what it reads, and whether that can have a gradient; needed: whether it must."""
Program = tuple[Step, ...]
"""Steps in order; the last is the result."""


def slots(program: Program) -> list[tuple[Slot, bool]]:
    """What a program reads in order, and whether the gradient of it is needed."""
    return [(slot, learned and step.needed) for step in program for slot, learned in step.slots]


def adding(program: Program, places: Collection[int]) -> Program:
    """A program whose gradients of some of its `slots` are added to what is there."""
    if not places:
        return program
    steps: list[Step] = []
    place = 0
    for step in program:
        steps.append(replace(step, added=True) if isinstance(step, Load) and place in places else step)
        place += len(step.slots)
    return tuple(steps)


def outputs(program: Program) -> int | None:
    """The columns of a program's result where they are not those of its streams."""
    last = program[-1]
    return last.outputs if isinstance(last, Contract) else None


def flattens(program: Program, width: int) -> bool:
    """Whether its kernel may take all numbers of a stream as units, where they are neighbours in memory: none
    has anything of its own."""
    mixing = Spread | Contract | Shift if width > 1 else Spread | Contract
    return not any(isinstance(step, mixing) for step in program)


def keeps(program: Program) -> bool:
    """Whether the gradients are made with the result at hand: σ(v) then need not be computed again."""
    return isinstance(program[-1], Compose)


def needed(program: Program) -> set[int]:
    """The steps that a gradient is needed of."""
    steps: set[int] = set()
    for t, step in enumerate(program):
        if step.needed or any(inner in steps for inner in _inner(step)):
            steps.add(t)
    return steps


def _inner(step: Step) -> tuple[int, ...]:
    match step:
        case Shift(inner, _) | Compose(_, inner) | Contract(inner, _, _):
            return (inner,)
        case Multiply(left, right):
            return left, right
        case Add(left, right, _):
            return left, right
    return ()
