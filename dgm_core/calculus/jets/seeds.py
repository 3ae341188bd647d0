"""The points themselves as jets, from which all others are made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.calculus.jets.expressions import Source
from dgm_core.calculus.jets.layout import Bucket, Layout
from dgm_core.calculus.jets.source import UNROLLED
from dgm_core.calculus.jets.streams import Stream, Streams, SumOfSquares


@dataclass(eq=False)
class Seed(Source):
    """Sets of points (K, n, d) by name, whose first derivatives are the axes' directions or those given.

    directions: (K, n, m, d).  turnable: the sets of whose Laplacian the single addends are of no interest.
    """

    points: Mapping[str, Tensor]
    layout: Layout
    directions: Tensor | None = None
    turnable: Collection[str] = ()

    def __post_init__(self) -> None:
        like = next(iter(self.points.values()))
        self.replicates, self.width = len(like), like.shape[2]

    def rows(self, layout: Layout) -> Tensor:
        like = next(iter(self.points.values()))
        rows = like.new_zeros(len(like), sum(layout.pieces), self.width)
        start = 0
        for (name, stream), size in zip(layout.keys, layout.pieces, strict=True):
            if stream == ():
                rows[:, start : start + size] = self.points[name].detach()
            elif not isinstance(stream, SumOfSquares) and len(stream) == 1:
                if self.directions is None:
                    rows[:, start : start + size, stream[0]] = 1.0
                else:
                    rows[:, start : start + size] = self.directions[:, :, stream[0]]
            start += size
        return rows

    @property
    def constant(self) -> bool:
        """Whether many derivatives of a linear map of the points are its weights, the same at all of them."""
        return self.directions is None and any(map(_is_long, self.layout.buckets))

    def mapped(self, weight: Tensor) -> tuple[Tensor, Layout]:
        """The points times a weight (K, d, W), where `constant`: (K, R, W), and how its rows lie.

        A function of W < d linear maps of the points has the Laplacian that it has within the W directions
        that they span, for which an orthonormal basis is taken: Σ ∂²/∂x_i² is the same along any.
        """
        parts: list[Tensor] = []
        buckets: list[Bucket] = []
        start = 0
        for bucket in self.layout.buckets:
            slopes, streams, names = self._slopes(bucket, weight)
            buckets.append(Bucket(streams, bucket.sizes, start, names))
            start += buckets[-1].rows
            x = torch.cat([self.points[name].detach() for name, _ in bucket.sizes], dim=1)
            parts.append(torch.bmm(x, weight))
            if slopes is not None:
                parts.append(slopes.unsqueeze(2).expand(-1, -1, bucket.points, -1).flatten(1, 2))
            rest = buckets[-1].rows - bucket.points * (1 if slopes is None else 1 + slopes.shape[1])
            parts.append(weight.new_zeros(len(weight), rest, weight.shape[2]))
        layout = self.layout if all(map(_is_same, buckets, self.layout.buckets)) else Layout(tuple(buckets))
        return torch.cat(parts, dim=1), layout

    def _slopes(
        self, bucket: Bucket, weight: Tensor
    ) -> tuple[Tensor | None, Streams, tuple[Stream, ...] | None]:
        """The first derivatives (K, m, W) of a bucket; its streams, and as what they are asked for."""
        firsts = [one for one in bucket.streams.carried if isinstance(one, tuple) and len(one) == 1]
        if not firsts:
            return None, bucket.streams, None
        every = weight[:, [direction for (direction,) in firsts]]
        last = bucket.streams.carried[-1]
        names = {name for name, _ in bucket.sizes}
        turned = _is_long(bucket) and names <= set(self.turnable)
        if not turned or not isinstance(last, SumOfSquares) or len(last.directions) <= weight.shape[2]:
            return every, bucket.streams, None
        summed = weight[:, list(last.directions)]
        basis = torch.linalg.qr(summed.detach()).Q
        alone = [one for one in firsts if one[0] not in last.directions]
        slopes = torch.cat([weight[:, [one[0] for one in alone]], basis.mT @ summed], dim=1)
        fresh = SumOfSquares(tuple(range(self.width, self.width + basis.shape[2])))
        streams = Streams.of([*alone, fresh])
        return slopes, streams, (*streams.carried[:-1], last)


def _is_long(bucket: Bucket) -> bool:
    return bucket.streams.laplacian is not None and len(bucket.streams) > UNROLLED


def _is_same(one: Bucket, other: Bucket) -> bool:
    return one.streams == other.streams
