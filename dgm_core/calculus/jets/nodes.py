"""Expressions: streams that are there, and operations on them that wait."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dgm_core.calculus.jets.kernels.functions import Function
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.jets.meetings import Meeting, uses


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
    """An operation that waits; `result` once it has been evaluated.

    size: of how many operations it is made; width and replicates: W and K of the streams.
    """

    result: Leaf | None = field(init=False, default=None)
    size: int = field(init=False, default=0)
    width: int = field(init=False, default=0)
    replicates: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        inner = self.inner_nodes
        self.size = 1 + sum(operand.size for operand in inner)
        self.width = inner[0].width
        self.replicates = inner[0].replicates

    @property
    def like(self) -> Tensor:
        """A tensor of its precision, on its device."""
        return self.inner_nodes[0].like

    @property
    def inner_nodes(self) -> Sequence[Node]:
        """What it is an operation on."""
        return [operand for operand in vars(self).values() if isinstance(operand, Leaf | Operation)]


@dataclass(eq=False)
class Applied(Operation):
    """σ(inner)."""

    function: Function
    inner: Node


@dataclass(eq=False)
class ElementwiseProduct(Operation):
    """left · right."""

    left: Node
    right: Node


@dataclass(eq=False)
class Sum(Operation):
    """left + factor · right."""

    left: Node
    right: Node
    factor: float


@dataclass(eq=False)
class FirstMap(Operation):
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


Node = Leaf | Operation
"""An expression."""


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
