"""Elementwise operations of jets that wait until their result is looked at, to be done together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.calculus.jets.kernels import program as program_steps
from dgm_core.calculus.jets.kernels.fused import Fused, compiled
from dgm_core.calculus.jets.kernels.laplacian import UNROLLED
from dgm_core.calculus.jets.kernels.program import (
    Add,
    Compose,
    Contract,
    Load,
    Multiply,
    Program,
    Shift,
    Step,
)
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.meetings import Mapped, Meeting, parts
from dgm_core.calculus.jets.nodes import (
    Applied,
    Contracted,
    ElementwiseProduct,
    FirstMap,
    Leaf,
    Node,
    Operation,
    Shifted,
    Source,
    Sum,
    raised,
    settled,
)

_MOST_STEPS = 24
"""Of what one kernel does; beyond, values in between would no longer fit the registers."""
_MOST_TOTALS = 12
"""Sums over the units that a kernel has at once, for the same reason."""


@dataclass(eq=False)
class Joined(Source):
    """Columns side by side."""

    sides: tuple[Node, ...]

    def __post_init__(self) -> None:
        self.width = sum(side.width for side in self.sides)
        self.replicates = self.sides[0].replicates

    @property
    def like(self) -> Tensor:
        return self.sides[0].like

    def rows(self, layout: Layout) -> Tensor:
        return torch.cat([settled(evaluated(side, layout), layout) for side in self.sides], dim=2)


def fusable(layout: Layout, like: Tensor) -> bool:
    """Whether operations on a layout's streams can be done together."""
    return compiled(like) and all(len(bucket.streams) <= UNROLLED for bucket in layout.buckets)


def multiplied(node: Node, weight: Tensor, layout: Layout) -> Leaf:
    """All streams times a weight (K, W, W')."""
    if _waits(node) and _ends(weight, layout):
        return evaluated(Contracted(node, weight), layout)
    leaf = evaluated(node, layout)
    if leaf.bias is None:
        rows, meeting = leaf.used()
        if meeting is not None:
            return Leaf(Mapped.apply(rows, weight, meeting))
    return Leaf(torch.matmul(settled(leaf, layout), weight))


def _waits(node: Node) -> bool:
    """Whether an expression is still to be made a program of."""
    return isinstance(node, Operation) and not isinstance(node, Source) and node.result is None


def _ends(weight: Tensor, layout: Layout) -> bool:
    """Whether a weight has so few columns that a product of matrices is not worth a pass through memory."""
    totals = weight.shape[2] * max(len(bucket.streams) for bucket in layout.buckets)
    return totals <= _MOST_TOTALS and fusable(layout, weight)


def bounded(node: Node, layout: Layout) -> Node:
    """The expression, evaluated where it has grown large."""
    return evaluated(node, layout) if node.size > _MOST_STEPS else node


def evaluated(node: Node, layout: Layout) -> Leaf:
    """The streams of an expression; computed once."""
    if isinstance(node, Leaf):
        return node
    if node.result is None and isinstance(node, Source):
        node.result = Leaf(node.rows(layout))
    if node.result is None:
        if not fusable(layout, node.like):
            _settle_operands(node, layout)
        program, reads = _compiled(node, layout)
        units = node.inner.width if isinstance(node, Contracted) else node.width
        pays = _pays(program, reads, layout)
        node.result = Leaf.made(_fused(program, reads, layout, units) if pays else _summed(node, layout))
    return node.result


def divided(node: Node, count: int, layout: Layout) -> list[Node]:
    """Equal parts of the columns of an expression, itself not evaluated."""
    made: dict[int, list[Node]] = {}

    def divide(part: Node) -> list[Node]:
        known = _standing(part, layout)
        if id(known) not in made:
            made[id(known)] = divided_anew(known)
        return made[id(known)]

    def divided_anew(part: Node) -> list[Node]:
        match part:
            case Leaf():
                return list(_divided(part, count))
            case FirstMap():
                return [
                    FirstMap(part.points, weight, part.slopes) for weight in part.weight.chunk(count, dim=2)
                ]
            case Shifted():
                biases = part.bias.chunk(count, dim=2)
                return [Shifted(inner, bias) for inner, bias in zip(divide(part.inner), biases, strict=True)]
            case Applied():
                return [Applied(part.function, inner) for inner in divide(part.inner)]
            case ElementwiseProduct():
                factors = zip(divide(part.left), divide(part.right), strict=True)
                return [ElementwiseProduct(*pair) for pair in factors]
            case Sum():
                both = zip(divide(part.left), divide(part.right), strict=True)
                return [Sum(*addends, part.factor) for addends in both]
        raise AssertionError(part)

    return divide(node)


def _divided(leaf: Leaf, count: int) -> Iterator[Leaf]:
    """Their gradients come together where they are needed: in one tensor."""
    biases: Sequence[Tensor | None] = [None] * count
    if leaf.bias is not None:
        biases = leaf.bias.chunk(count, dim=2)
    for (rows, meeting), bias in zip(parts(leaf.rows, count), biases, strict=True):
        yield Leaf(rows, bias, meeting)


@dataclass(frozen=True)
class _Read:
    """What a program reads; the leaf that has it, where one does."""

    tensor: Tensor
    leaf: Leaf | None = None


def _pays(program: Program, reads: Sequence[_Read], layout: Layout) -> bool:
    """Whether a program is worth it: not for a lone sum, whose gradient torch passes on without touching it,
    unless points of width one are taken together or its gradient meets others."""
    if any(isinstance(step, Compose | Multiply | program_steps.Spread | Contract) for step in program):
        return True
    sums = sum(isinstance(step, Add) for step in program)
    narrow = any(isinstance(step, Shift) for step in program) and reads[0].tensor.shape[2] == 1
    met = any(read.leaf and read.leaf.meeting for read in reads)
    return fusable(layout, reads[0].tensor) and (sums > 1 or narrow or met)


def _fused(program: Program, reads: Sequence[_Read], layout: Layout, width: int) -> Tensor:
    used: list[tuple[Tensor, Meeting | None]] = [
        (read.tensor, None) if read.leaf is None or not fusable(layout, read.tensor) else read.leaf.used()
        for read in reads
    ]
    tensors, meetings = zip(*used, strict=True)
    fused: Tensor = Fused.apply(program, layout, width, meetings, *tensors)
    return fused


def _summed(node: Operation, layout: Layout) -> Tensor:
    """A lone sum, of two or with a bias."""
    match node:
        case Sum():
            a, b = (settled(evaluated(part, layout), layout) for part in (node.left, node.right))
            return torch.add(a, b, alpha=node.factor)
        case Shifted():
            return raised(settled(evaluated(node.inner, layout), layout), node.bias, layout)
    raise AssertionError(node)


def _settle_operands(node: Operation, layout: Layout) -> None:
    """Evaluates all that an operation is on, but the product that a sum takes along."""
    for inner in node.inner_nodes:
        taken = isinstance(node, Sum) and inner is node.right and inner is not node.left
        if taken and isinstance(inner, ElementwiseProduct) and inner.result is None:
            _settle_operands(inner, layout)
        else:
            evaluated(inner, layout)


def _compiled(node: Operation, layout: Layout) -> tuple[Program, list[_Read]]:
    """An expression as a program, and what it reads in order."""
    steps: list[Step] = []
    reads: list[_Read] = []
    places: dict[int, int] = {}

    def place(part: Node) -> int:
        known = _standing(part, layout)
        if id(known) not in places:
            places[id(known)] = written(known)
        return places[id(known)]

    def appended(step: Step, *read: _Read) -> int:
        reads.extend(read)
        steps.append(step)
        return len(steps) - 1

    def written(part: Node) -> int:
        match part:
            case Leaf():
                loaded = appended(Load(part.rows.requires_grad), _Read(part.rows, part))
                return loaded if part.bias is None else shifted(loaded, part.bias)
            case FirstMap():
                count, needed = part.weight.shape[1], part.weight.requires_grad
                step = program_steps.Spread(count, needed)
                return appended(step, _Read(part.points), _Read(part.weight), _Read(part.slopes))
            case Shifted():
                return shifted(place(part.inner), part.bias)
            case Applied():
                return appended(Compose(part.function, place(part.inner)))
            case ElementwiseProduct():
                return appended(Multiply(place(part.left), place(part.right)))
            case Sum():
                return appended(Add(place(part.left), place(part.right), part.factor))
            case Contracted():
                last = Contract(place(part.inner), part.width, part.weight.requires_grad)
                return appended(last, _Read(part.weight.mT))
        raise AssertionError(part)

    def shifted(inner: int, bias: Tensor) -> int:
        return appended(Shift(inner, bias.requires_grad), _Read(bias))

    place(node)
    return tuple(steps), reads


def _standing(node: Node, layout: Layout) -> Node:
    """What a program sees of an expression: its streams where they are there, or are made otherwise."""
    if isinstance(node, Source) or (isinstance(node, Operation) and node.result is not None):
        return evaluated(node, layout)
    return node
