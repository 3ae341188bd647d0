"""Elementwise operations of jets that wait until their result is looked at, to be done together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dgm_core.calculus.jets.apply import AddedProduct, Apply, compiled
from dgm_core.calculus.jets.functions import Function
from dgm_core.calculus.jets.fused import Fused, Home, Parts
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.program import Add, Compose, Load, Multiply, Program, Step
from dgm_core.calculus.jets.source import UNROLLED

_MOST_STEPS = 10
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
        program, leaves = _compiled(node, layout)
        worth = len(program) - len(leaves) > 1 or any(leaf.home is not None for leaf in leaves)
        together = worth and fusable(layout, leaves[0].rows)
        node.found = Leaf(_fused(program, leaves, layout) if together else _alone(node, layout))
    return node.found


def parts(leaf: Leaf, count: int) -> list[Leaf]:
    """Equal parts of the columns, whose gradients come together where they are needed: in one tensor."""
    home = Home()
    rows = Parts.apply(leaf.rows, count, home)
    biases: Sequence[Tensor | None] = [None] * count
    if leaf.bias is not None:
        biases = leaf.bias.chunk(count, dim=2)
    return [Leaf(own, bias, (home, i)) for i, (own, bias) in enumerate(zip(rows, biases, strict=True))]


def settled(leaf: Leaf, layout: Layout) -> Tensor:
    """The streams, the bias added."""
    return leaf.rows if leaf.bias is None else raised(leaf.rows, leaf.bias, layout)


def raised(rows: Tensor, constant: Tensor, layout: Layout) -> Tensor:
    """Streams (K, R, W), a constant (K or 1, 1, W) added to the values."""
    sizes = [size for bucket in layout.buckets for size in (bucket.points, bucket.rows - bucket.points)]
    pieces = list(rows.split(sizes, dim=1))
    pieces[::2] = [piece + constant for piece in pieces[::2]]
    return torch.cat(pieces, dim=1)


def _fused(program: Program, leaves: Sequence[Leaf], layout: Layout) -> Tensor:
    tensors = [tensor for leaf in leaves for tensor in (leaf.rows, leaf.bias)]
    found: Tensor = Fused.apply(program, layout, tuple(leaf.home for leaf in leaves), *tensors)
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
        case _:
            raise AssertionError(node)
    return found


def _compiled(node: Operation, layout: Layout) -> tuple[Program, list[Leaf]]:
    """An expression as a program, and what it loads in order."""
    steps: list[Step] = []
    leaves: list[Leaf] = []
    places: dict[int, int] = {}

    def place(one: Node) -> int:
        known = evaluated(one, layout) if isinstance(one, Source) or _found(one) else one
        if id(known) not in places:
            step = written(known)
            places[id(known)] = len(steps)
            steps.append(step)
        return places[id(known)]

    def written(one: Node) -> Step:
        match one:
            case Leaf():
                leaves.append(one)
                needed = one.rows.requires_grad or (one.bias is not None and one.bias.requires_grad)
                return Load(one.bias is not None, needed)
            case Applied():
                return Compose(one.function, place(one.inner))
            case Product():
                return Multiply(place(one.left), place(one.right))
            case Sum():
                return Add(place(one.one), place(one.other), one.factor)
        raise AssertionError(one)

    place(node)
    return tuple(steps), leaves


def _found(node: Node) -> bool:
    return isinstance(node, Leaf) or node.found is not None
