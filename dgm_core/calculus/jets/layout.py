"""Where the streams of several sets of points lie in one tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from dgm_core.calculus.jets.streams import Stream, Streams


@dataclass(frozen=True)
class Bucket:
    """Sets of points that carry the same streams: rows [start, start + S · points), stream by stream.

    sizes: the number of points of each named set, in order.  first: the number of points in the buckets
    before this one; place: the number of streams before it.  names: the names by which streams are asked for,
    where they differ from those by which they are carried.
    """

    streams: Streams
    sizes: tuple[tuple[str, int], ...]
    start: int
    first: int = 0
    names: tuple[Stream, ...] | None = None
    place: int = 0

    @cached_property
    def points(self) -> int:
        """Of all sets."""
        return sum(size for _, size in self.sizes)

    @cached_property
    def rows(self) -> int:
        """Of all streams."""
        return self.points * len(self.streams)

    def view(self, data: Tensor) -> Tensor:
        """Its part of (K, R, W) as (K, S, points, W)."""
        part = data[:, self.start : self.start + self.rows]
        return part.unflatten(1, (len(self.streams), self.points))


@dataclass(frozen=True)
class Layout:
    """The buckets of a jet, one after another."""

    buckets: tuple[Bucket, ...]

    @classmethod
    def of(cls, sizes: Mapping[str, int], streams: Mapping[str, Streams]) -> Layout:
        """That of sets of points, name -> count, each with its streams."""
        grouped: dict[Streams, list[tuple[str, int]]] = {}
        for name, size in sizes.items():
            grouped.setdefault(streams[name], []).append((name, size))
        return cls.stacked((shared, tuple(members), None) for shared, members in grouped.items())

    @classmethod
    def stacked(
        cls, buckets: Iterable[tuple[Streams, tuple[tuple[str, int], ...], tuple[Stream, ...] | None]]
    ) -> Layout:
        """Buckets of (streams, sizes, names), one after another."""
        placed: list[Bucket] = []
        start = first = place = 0
        for streams, sizes, names in buckets:
            placed.append(Bucket(streams, sizes, start, first, names, place))
            start, first, place = start + placed[-1].rows, first + placed[-1].points, place + len(streams)
        return cls(tuple(placed))

    @cached_property
    def rows(self) -> int:
        """Of all buckets."""
        return sum(bucket.rows for bucket in self.buckets)

    @cached_property
    def points(self) -> int:
        """Of all buckets."""
        return sum(bucket.points for bucket in self.buckets)

    @cached_property
    def pieces(self) -> list[int]:
        """The sizes into which all rows are split: by bucket, stream and set of points."""
        return [size for b in self.buckets for _ in b.streams.carried for _, size in b.sizes]

    @cached_property
    def keys(self) -> list[tuple[str, Stream]]:
        """(name, stream) of each of the `pieces`."""
        return [(name, s) for b in self.buckets for s in b.names or b.streams.carried for name, _ in b.sizes]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.buckets)
