"""Elementwise operations of jets that wait until their result is looked at, to be done together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dgm_core.calculus.jets import program as program_steps
from dgm_core.calculus.jets.apply import AddedProduct, Apply, compiled
from dgm_core.calculus.jets.functions import Function
from dgm_core.calculus.jets.fused import Fused, Home, Parts
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.program import Add, Compose, Load, Multiply, Program, Shift, Step
from dgm_core.calculus.jets.source import UNROLLED

_MOST_STEPS = 24
"""Of what one kernel does; beyond, values in between would no longer fit the registers."""


@dataclass(eq=False)
class Leaf:
    """Streams (K, R, W) that are there, with a bias (K, 1, W) that is still to be added to the values.

    home: of which tensor's columns they are a part, and which.
    """

    rows: Tensor
    bias: Tensor | None = None
    home: tuple[Home, int] | None = None
    size = 0

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
    """points · weight, the first linear map: points (K, N, d), a weight (K, d, W), and by how much the points
    change along the axes, (1, 1, d)."""

    points: Tensor
    weight: Tensor
    scale: Tensor

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
        node.found = Leaf(_fused(program, reads, layout, node.width) if together else _alone(node, layout))
    return node.found


def divided(node: Node, count: int, layout: Layout) -> list[Node]:
    """Equal parts of the columns of an expression, itself not evaluated."""
    made: dict[int, list[Node]] = {}

    def parts(one: Node) -> list[Node]:
        known = _standing(one, layout)
        if id(known) not in made:
            made[id(known)] = divide(known)
        return made[id(known)]

    def divide(one: Node) -> list[Node]:
        match one:
            case Leaf():
                return list(_parts(one, count))
            case Spread():
                return [Spread(one.points, own, one.scale) for own in one.weight.chunk(count, dim=2)]
            case Shifted():
                biases = one.bias.chunk(count, dim=2)
                return [Shifted(own, bias) for own, bias in zip(parts(one.inner), biases, strict=True)]
            case Applied():
                return [Applied(one.function, own) for own in parts(one.inner)]
            case Product():
                return [Product(*own) for own in zip(parts(one.left), parts(one.right), strict=True)]
            case Sum():
                both = zip(parts(one.one), parts(one.other), strict=True)
                return [Sum(*own, one.factor) for own in both]
        raise AssertionError(one)

    return parts(node)


def _parts(leaf: Leaf, count: int) -> Iterator[Leaf]:
    """Their gradients come together where they are needed: in one tensor."""
    home = Home()
    rows = Parts.apply(leaf.rows, count, home)
    biases: Sequence[Tensor | None] = [None] * count
    if leaf.bias is not None:
        biases = leaf.bias.chunk(count, dim=2)
    for place, (own, bias) in enumerate(zip(rows, biases, strict=True)):
        yield Leaf(own, bias, (home, place))


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
    tensor: Tensor
    home: tuple[Home, int] | None = None


def _pays(program: Program, reads: Sequence[_Read]) -> bool:
    """Whether a program does more than one function or product, which a step alone does as well."""
    operations = sum(isinstance(step, Compose | Multiply | Add) for step in program)
    maps = any(isinstance(step, program_steps.Spread) for step in program)
    return maps or operations > 1 or any(read.home is not None for read in reads)


def _fused(program: Program, reads: Sequence[_Read], layout: Layout, width: int) -> Tensor:
    homes, tensors = tuple(read.home for read in reads), [read.tensor for read in reads]
    found: Tensor = Fused.apply(program, layout, width, homes, *tensors)
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
                loaded = appended(Load(one.rows.requires_grad), _Read(one.rows, one.home))
                return loaded if one.bias is None else shifted(loaded, one.bias)
            case Spread():
                count, needed = one.weight.shape[1], one.weight.requires_grad
                step = program_steps.Spread(count, needed)
                return appended(step, _Read(one.points), _Read(one.weight), _Read(one.scale))
            case Shifted():
                return shifted(place(one.inner), one.bias)
            case Applied():
                return appended(Compose(one.function, place(one.inner)))
            case Product():
                return appended(Multiply(place(one.left), place(one.right)))
            case Sum():
                return appended(Add(place(one.one), place(one.other), one.factor))
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
