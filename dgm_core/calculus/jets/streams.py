"""Which derivatives a jet carries, and the rules by which functions and products act on them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations

Path = tuple[int, ...]
"""Directions of differentiation, sorted: (0, 0, 1) is ∂³/∂x₀²∂x₁; () is the value itself."""


@dataclass(frozen=True)
class Operator:
    """The stream Σ (sᵢ ∂ᵢ)² + Σ aⱼ ∂ⱼ, carried as one: a Laplacian, or the heat equation's κ ∂²/∂x² − ∂/∂t.

    The chain rule of such an operator L is that of its squares alone, L σ(z) = σ′ L z + σ″ Σ (sᵢ ∂ᵢz)².
    What is of first order, the drift, is in its value at the points themselves, L xⱼ = aⱼ.  So are the
    factors sᵢ: beside it the first derivatives along its directions are carried that many times as large.

    squares: (i, sᵢ).  drift: (j, aⱼ).
    """

    squares: tuple[tuple[int, float], ...]
    drift: tuple[tuple[int, float], ...] = ()

    @classmethod
    def laplacian(cls, directions: Iterable[int]) -> Operator:
        """Σ ∂²/∂xᵢ² over some directions."""
        return cls(tuple((i, 1.0) for i in directions))

    @property
    def directions(self) -> tuple[int, ...]:
        """Those of the squares."""
        return tuple(i for i, _ in self.squares)


Stream = Path | Operator
Slope = tuple[tuple[int, float], ...]
"""(column of the points, number): what a stream of the points' own columns is, zero where not named."""


@dataclass(frozen=True)
class Composed:
    """One addend of a stream of σ(z): coefficient · σ⁽ᵒʳᵈᵉʳ⁾ · Π z_factor, factors by their places."""

    coefficient: int
    order: int
    factors: tuple[int, ...]


@dataclass(frozen=True)
class Multiplied:
    """One addend of a stream of a · b: coefficient · a_left · b_right, by their places."""

    coefficient: int
    left: int
    right: int


@dataclass(frozen=True)
class Pulled:
    """One addend of the gradient of a stream of z, from that of σ(z): the addend times the gradient of σ(z)'s
    stream `source`."""

    place: int
    addend: Composed
    source: int


@dataclass(frozen=True)
class Streams:
    """Streams carried together, the value first; with each, all that its chain rule needs.

    Of several operators none but one may have factors or a drift: the first derivatives are the same for all.
    """

    carried: tuple[Stream, ...]

    @classmethod
    def of(cls, wanted: Iterable[Stream]) -> Streams:
        """The fewest streams that hold those wanted."""
        paths: set[Path] = {()}
        sums = []
        for stream in wanted:
            if isinstance(stream, Operator):
                sums.append(stream)
                paths |= {(i,) for i in stream.directions}
            else:
                paths |= set(_parts(tuple(sorted(stream))))
        ordered = sorted(paths, key=lambda path: (len(path), path))
        return cls((*ordered, *dict.fromkeys(sums)))

    def __len__(self) -> int:
        return len(self.carried)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.carried)

    @property
    def order(self) -> int:
        """Of the highest derivative."""
        return max(2 if isinstance(stream, Operator) else len(stream) for stream in self.carried)

    def place(self, stream: Stream) -> int:
        """Where a stream is.  Raises ValueError where it is not carried."""
        return self.carried.index(stream)

    @property
    def slopes(self) -> tuple[Slope, ...]:
        """What each stream of the points themselves is, the values left out."""
        return _slopes(self)

    def factor(self, path: Path) -> float:
        """How many times as large as the derivative its stream is."""
        return math.prod(_factors(self).get(i, 1.0) for i in path)

    @property
    def composed(self) -> tuple[tuple[Composed, ...], ...]:
        """What each stream of σ(z) is made of: the formula of Faà di Bruno."""
        return _composed(self)

    @property
    def pulled(self) -> tuple[Pulled, ...]:
        """What the gradients of all streams of z are made of: the derivatives of `composed`."""
        return _pulled(self)

    @property
    def multiplied(self) -> tuple[tuple[Multiplied, ...], ...]:
        """What each stream of a product is made of: Leibniz's rule."""
        return _multiplied(self)

    @cached_property
    def laplacian(self) -> tuple[int, int] | None:
        """(first place, count) of the neighbouring first derivatives of the one sum, for streams that are a
        value, first derivatives and that sum; else None."""
        *others, last = self.carried
        if (
            not isinstance(last, Operator)
            or not last.squares
            or any(isinstance(stream, Operator) or len(stream) > 1 for stream in others)
        ):
            return None
        places = [self.place((i,)) for i in last.directions]
        if places != list(range(places[0], places[0] + len(places))):
            return None
        return places[0], len(places)


@lru_cache(maxsize=256)
def _factors(streams: Streams) -> dict[int, float]:
    return {i: s for stream in streams.carried if isinstance(stream, Operator) for i, s in stream.squares}


@lru_cache(maxsize=256)
def _slopes(streams: Streams) -> tuple[Slope, ...]:
    slopes: list[Slope] = []
    for stream in streams.carried:
        if isinstance(stream, Operator):
            slopes.append(stream.drift)
        else:
            slopes.append(((stream[0], streams.factor(stream)),) if len(stream) == 1 else ())
    return tuple(slopes)


@lru_cache(maxsize=256)
def _composed(streams: Streams) -> tuple[tuple[Composed, ...], ...]:
    return tuple(tuple(_addends(streams, stream)) for stream in streams.carried)


def _addends(streams: Streams, stream: Stream) -> Iterator[Composed]:
    if isinstance(stream, Operator):
        yield Composed(1, 1, (streams.place(stream),))
        for i in stream.directions:
            yield Composed(1, 2, (streams.place((i,)),) * 2)
        return
    counted = Counter(
        tuple(sorted(streams.place(tuple(stream[i] for i in block)) for block in partition))
        for partition in _partitions(range(len(stream)))
    )
    for factors, count in counted.items():
        yield Composed(count, len(factors), factors)


@lru_cache(maxsize=256)
def _pulled(streams: Streams) -> tuple[Pulled, ...]:
    pulls: list[Pulled] = []
    for source, addends in enumerate(streams.composed):
        for addend in addends:
            pulls.append(Pulled(0, Composed(addend.coefficient, addend.order + 1, addend.factors), source))
            for factor, count in Counter(addend.factors).items():
                rest = list(addend.factors)
                rest.remove(factor)
                pulls.append(
                    Pulled(factor, Composed(addend.coefficient * count, addend.order, tuple(rest)), source)
                )
    return tuple(pulls)


@lru_cache(maxsize=256)
def _multiplied(streams: Streams) -> tuple[tuple[Multiplied, ...], ...]:
    return tuple(tuple(_products(streams, stream)) for stream in streams.carried)


def _products(streams: Streams, stream: Stream) -> Iterator[Multiplied]:
    if isinstance(stream, Operator):
        place = streams.place(stream)
        yield Multiplied(1, place, 0)
        for i in stream.directions:
            yield Multiplied(2, streams.place((i,)), streams.place((i,)))
        yield Multiplied(1, 0, place)
        return
    counted = Counter(
        (streams.place(tuple(stream[i] for i in chosen)), streams.place(_rest(stream, chosen)))
        for size in range(len(stream) + 1)
        for chosen in combinations(range(len(stream)), size)
    )
    for (left, right), count in counted.items():
        yield Multiplied(count, left, right)


def _rest(path: Path, chosen: Sequence[int]) -> Path:
    return tuple(axis for i, axis in enumerate(path) if i not in chosen)


def _parts(path: Path) -> Iterator[Path]:
    """All that is left of a path when some of its steps are not taken."""
    for size in range(len(path) + 1):
        yield from combinations(path, size)


def _partitions(places: Sequence[int]) -> Iterator[list[list[int]]]:
    """The partitions of a set into blocks; of the empty set, one of none."""
    if not places:
        yield []
        return
    first, *rest = places
    for partition in _partitions(rest):
        yield [[first], *partition]
        for i, block in enumerate(partition):
            yield [*partition[:i], [first, *block], *partition[i + 1 :]]
