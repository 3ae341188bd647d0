"""Elementwise operations of jets that wait until their result is looked at, to be done together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dgm_core.calculus.jets.kernels import program as program_steps
from dgm_core.calculus.jets.kernels.apply import AddedProduct, Apply, compiled
from dgm_core.calculus.jets.kernels.functions import Function
from dgm_core.calculus.jets.kernels.fused import Fused
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
from dgm_core.calculus.jets.kernels.source import UNROLLED
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.meetings import Mapped, Meeting, parts, uses

_MOST_STEPS = 24
"""Of what one kernel does; beyond, values in between would no longer fit the registers."""
_MOST_TOTALS = 12
"""Sums over the units that a kernel has at once, for the same reason."""


@dataclass(eq=False)
class Leaf:
    """Streams (K, R, W) that are there, with a bias (K, 1, W) that is still to be added to the values.

    meeting: where their gradient goes.  shared: the same rows for each use, with where its gradient goes.
    """

    rows: Tensor
    bias: Tensor | None = None
    meeting: Meeting | None = None
    shared: Iterator[tuple[Tensor, Meeting]] = field(default_factory=lambda: iter(()), repr=False)
    size = 0

    @classmethod
    def made(cls, rows: Tensor) -> Leaf:
        """Of the result of an operation, which may be used more than once."""
        return cls(rows, shared=uses(rows)) if rows.requires_grad else cls(rows)

    def used(self) -> tuple[Tensor, Meeting | None]:
        """The rows for one more use."""
        return next(self.shared, (self.rows, self.meeting))

    @property
    def like(self) -> Tensor:
        """A tensor of its precision, on its device."""
        return self.rows

    @property
    def replicates(self) -> int:
        """K."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """W."""
        return self.rows.shape[2]


@dataclass(eq=False)
class Operation:
    """What waits; `found` once it was evaluated.

    size: of how many operations it is made; width and replicates: W and K of the streams.
    """

    found: Leaf | None = field(init=False, default=None)
    size: int = field(init=False, default=0)
    width: int = field(init=False, default=0)
    replicates: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        inner = self.inner_nodes
        self.size = 1 + sum(one.size for one in inner)
        self.width = inner[0].width
        self.replicates = inner[0].replicates

    @property
    def like(self) -> Tensor:
        """A tensor of its precision, on its device."""
        return self.inner_nodes[0].like

    @property
    def inner_nodes(self) -> Sequence[Node]:
        """What it is an operation on."""
        return [own for own in vars(self).values() if isinstance(own, Leaf | Operation)]


@dataclass(eq=False)
class Applied(Operation):
    """σ(inner)."""

    function: Function
    inner: Node


@dataclass(eq=False)
class Product(Operation):
    """left · right."""

    left: Node
    right: Node


@dataclass(eq=False)
class Sum(Operation):
    """one + factor · other."""

    one: Node
    other: Node
    factor: float


@dataclass(eq=False)
class Spread(Operation):
    """points · weight, the first linear map: points (K, N, d), a weight (K, d, W), and what the streams of
    the points are, one after another, (1, S, d)."""

    points: Tensor
    weight: Tensor
    slopes: Tensor

    def __post_init__(self) -> None:
        self.size = 1
        self.replicates, _, self.width = self.weight.shape

    @property
    def like(self) -> Tensor:
        return self.points


@dataclass(eq=False)
class Shifted(Operation):
    """inner, a bias (K, 1, W) added to the values."""

    inner: Node
    bias: Tensor


@dataclass(eq=False)
class Contracted(Operation):
    """inner · weight, the last linear map: a weight (K, W, outputs)."""

    inner: Node
    weight: Tensor

    def __post_init__(self) -> None:
        super().__post_init__()
        self.width = self.weight.shape[2]


class Source(Operation):
    """What programs start from: its streams are made otherwise."""

    @abstractmethod
    def rows(self, layout: Layout) -> Tensor:
        """(K, R, W)."""


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


Node = Leaf | Operation
"""An expression."""


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
    return isinstance(node, Operation) and not isinstance(node, Source) and node.found is None


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
    if node.found is None and isinstance(node, Source):
        node.found = Leaf(node.rows(layout))
    if node.found is None:
        program, reads = _compiled(node, layout)
        together = _pays(program, reads) and fusable(layout, reads[0].tensor)
        units = node.inner.width if isinstance(node, Contracted) else node.width
        node.found = Leaf.made(_fused(program, reads, layout, units) if together else _alone(node, layout))
    return node.found


def divided(node: Node, count: int, layout: Layout) -> list[Node]:
    """Equal parts of the columns of an expression, itself not evaluated."""
    made: dict[int, list[Node]] = {}

    def divide(one: Node) -> list[Node]:
        known = _standing(one, layout)
        if id(known) not in made:
            made[id(known)] = divided_anew(known)
        return made[id(known)]

    def divided_anew(one: Node) -> list[Node]:
        match one:
            case Leaf():
                return list(_divided(one, count))
            case Spread():
                return [Spread(one.points, own, one.slopes) for own in one.weight.chunk(count, dim=2)]
            case Shifted():
                biases = one.bias.chunk(count, dim=2)
                return [Shifted(own, bias) for own, bias in zip(divide(one.inner), biases, strict=True)]
            case Applied():
                return [Applied(one.function, own) for own in divide(one.inner)]
            case Product():
                return [Product(*own) for own in zip(divide(one.left), divide(one.right), strict=True)]
            case Sum():
                both = zip(divide(one.one), divide(one.other), strict=True)
                return [Sum(*own, one.factor) for own in both]
        raise AssertionError(one)

    return divide(node)


def _divided(leaf: Leaf, count: int) -> Iterator[Leaf]:
    """Their gradients come together where they are needed: in one tensor."""
    biases: Sequence[Tensor | None] = [None] * count
    if leaf.bias is not None:
        biases = leaf.bias.chunk(count, dim=2)
    for (own, meeting), bias in zip(parts(leaf.rows, count), biases, strict=True):
        yield Leaf(own, bias, meeting)


def settled(leaf: Leaf, layout: Layout) -> Tensor:
    """The streams, the bias added."""
    return leaf.rows if leaf.bias is None else raised(leaf.rows, leaf.bias, layout)


def raised(rows: Tensor, constant: Tensor, layout: Layout) -> Tensor:
    """Streams (K, R, W), a constant (K or 1, 1, W) added to the values."""
    if layout.rows == layout.points:
        return rows + constant
    sizes = [size for bucket in layout.buckets for size in (bucket.points, bucket.rows - bucket.points)]
    pieces = list(rows.split(sizes, dim=1))
    pieces[::2] = [piece + constant for piece in pieces[::2]]
    return torch.cat(pieces, dim=1)


@dataclass(frozen=True)
class _Read:
    """What a program reads; the leaf that has it, where one does."""

    tensor: Tensor
    leaf: Leaf | None = None


def _pays(program: Program, reads: Sequence[_Read]) -> bool:
    """Whether a program does more than one function or product, which a step alone does as well, or takes the
    points of streams of width one together, which that does not where they have a bias."""
    operations = sum(isinstance(step, Compose | Multiply | Add) for step in program)
    maps = any(isinstance(step, program_steps.Spread | Contract) for step in program)
    narrow = any(isinstance(step, Shift) for step in program) and reads[0].tensor.shape[2] == 1
    return maps or operations > 1 or narrow or any(read.leaf and read.leaf.meeting for read in reads)


def _fused(program: Program, reads: Sequence[_Read], layout: Layout, width: int) -> Tensor:
    used = [(read.tensor, None) if read.leaf is None else read.leaf.used() for read in reads]
    tensors, meetings = zip(*used, strict=True)
    found: Tensor = Fused.apply(program, layout, width, meetings, *tensors)
    return found


def _alone(node: Operation, layout: Layout) -> Tensor:
    """One operation, those inside it before."""
    match node:
        case Applied():
            leaf = evaluated(node.inner, layout)
            found: Tensor = Apply.apply(leaf.rows, leaf.bias, node.function, layout)
        case Product():
            left, right = (settled(evaluated(one, layout), layout) for one in (node.left, node.right))
            found = AddedProduct.apply(left, right, None, 1.0, layout)
        case Sum(one=one, other=Product(left=left, right=right, found=None)):
            a, b, base = (settled(evaluated(part, layout), layout) for part in (left, right, one))
            found = AddedProduct.apply(a, b, base, node.factor, layout)
        case Sum():
            a, b = (settled(evaluated(part, layout), layout) for part in (node.one, node.other))
            found = torch.add(a, b, alpha=node.factor)
        case Shifted():
            found = raised(settled(evaluated(node.inner, layout), layout), node.bias, layout)
        case _:
            raise AssertionError(node)
    return found


def _compiled(node: Operation, layout: Layout) -> tuple[Program, list[_Read]]:
    """An expression as a program, and what it reads in order."""
    steps: list[Step] = []
    reads: list[_Read] = []
    places: dict[int, int] = {}

    def place(one: Node) -> int:
        known = _standing(one, layout)
        if id(known) not in places:
            places[id(known)] = written(known)
        return places[id(known)]

    def appended(step: Step, *read: _Read) -> int:
        reads.extend(read)
        steps.append(step)
        return len(steps) - 1

    def written(one: Node) -> int:
        match one:
            case Leaf():
                loaded = appended(Load(one.rows.requires_grad), _Read(one.rows, one))
                return loaded if one.bias is None else shifted(loaded, one.bias)
            case Spread():
                count, needed = one.weight.shape[1], one.weight.requires_grad
                step = program_steps.Spread(count, needed)
                return appended(step, _Read(one.points), _Read(one.weight), _Read(one.slopes))
            case Shifted():
                return shifted(place(one.inner), one.bias)
            case Applied():
                return appended(Compose(one.function, place(one.inner)))
            case Product():
                return appended(Multiply(place(one.left), place(one.right)))
            case Sum():
                return appended(Add(place(one.one), place(one.other), one.factor))
            case Contracted():
                last = Contract(place(one.inner), one.width, one.weight.requires_grad)
                return appended(last, _Read(one.weight.mT))
        raise AssertionError(one)

    def shifted(inner: int, bias: Tensor) -> int:
        return appended(Shift(inner, bias.requires_grad), _Read(bias))

    place(node)
    return tuple(steps), reads


def _standing(node: Node, layout: Layout) -> Node:
    """What a program sees of an expression: its streams where they are there, or are made otherwise."""
    if isinstance(node, Source) or (isinstance(node, Operation) and node.found is not None):
        return evaluated(node, layout)
    return node
