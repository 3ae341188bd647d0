"""Which derivatives a jet carries, and the rules by which functions and products act on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations

Path = tuple[int, ...]
"""Directions of differentiation, sorted: (0, 0, 1) is ∂³/∂x₀²∂x₁; () is the value itself."""


@dataclass(frozen=True)
class SumOfSquares:
    """The stream Σ ∂²/∂xᵢ² over some directions: a Laplacian, carried as one."""

    directions: tuple[int, ...]


Stream = Path | SumOfSquares


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
class Streams:
    """Streams carried together, the value first; with each, all that its chain rule needs."""

    carried: tuple[Stream, ...]

    @classmethod
    def of(cls, wanted: Iterable[Stream]) -> Streams:
        """The fewest streams that hold those wanted."""
        found: set[Path] = {()}
        sums = []
        for stream in wanted:
            if isinstance(stream, SumOfSquares):
                sums.append(stream)
                found |= {(i,) for i in stream.directions}
            else:
                found |= set(_parts(tuple(sorted(stream))))
        ordered = sorted(found, key=lambda path: (len(path), path))
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
        return max(2 if isinstance(one, SumOfSquares) else len(one) for one in self.carried)

    def place(self, stream: Stream) -> int:
        """Where a stream is.  Raises ValueError where it is not carried."""
        return self.carried.index(stream)

    @property
    def composed(self) -> tuple[tuple[Composed, ...], ...]:
        """What each stream of σ(z) is made of: the formula of Faà di Bruno."""
        return _composed(self)

    @property
    def multiplied(self) -> tuple[tuple[Multiplied, ...], ...]:
        """What each stream of a product is made of: Leibniz's rule."""
        return _multiplied(self)

    @property
    def laplacian(self) -> tuple[int, int] | None:
        """(first place, count) of the neighbouring first derivatives of the one sum, for streams that are a
        value, first derivatives and that sum; else None."""
        *others, last = self.carried
        if not isinstance(last, SumOfSquares) or any(
            isinstance(one, SumOfSquares) or len(one) > 1 for one in others
        ):
            return None
        places = [self.place((i,)) for i in last.directions]
        if places != list(range(places[0], places[0] + len(places))):
            return None
        return places[0], len(places)


@lru_cache(maxsize=256)
def _composed(streams: Streams) -> tuple[tuple[Composed, ...], ...]:
    return tuple(tuple(_addends(streams, stream)) for stream in streams.carried)


def _addends(streams: Streams, stream: Stream) -> Iterator[Composed]:
    if isinstance(stream, SumOfSquares):
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
def _multiplied(streams: Streams) -> tuple[tuple[Multiplied, ...], ...]:
    return tuple(tuple(_products(streams, stream)) for stream in streams.carried)


def _products(streams: Streams, stream: Stream) -> Iterator[Multiplied]:
    if isinstance(stream, SumOfSquares):
        own = streams.place(stream)
        yield Multiplied(1, own, 0)
        for i in stream.directions:
            yield Multiplied(2, streams.place((i,)), streams.place((i,)))
        yield Multiplied(1, 0, own)
        return
    counted = Counter(
        (streams.place(tuple(stream[i] for i in chosen)), streams.place(_rest(stream, chosen)))
        for size in range(len(stream) + 1)
        for chosen in combinations(range(len(stream)), size)
    )
    for (left, right), count in counted.items():
        yield Multiplied(count, left, right)


def _rest(path: Path, chosen: Sequence[int]) -> Path:
    return tuple(one for i, one in enumerate(path) if i not in chosen)


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
