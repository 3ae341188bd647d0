"""The points themselves as jets, from which all others are made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

import torch
from torch import Tensor

from dgm_core.calculus.jets.expressions import fusable
from dgm_core.calculus.jets.kernels.laplacian import is_long
from dgm_core.calculus.jets.layout import Bucket, Layout
from dgm_core.calculus.jets.nodes import FirstMap, Source
from dgm_core.calculus.jets.streams import Operator, Slope, Stream, Streams

_MOST_INPUTS = 8
"""Of a linear map that is part of a program; a product of matrices is as good from there on."""


@dataclass(eq=False)
class Seed(Source):
    """Points (K, N, d), as the buckets of a layout have them, with the directions of their derivatives.

    directions: (K, N, m, d), by default the axes.  scale: (1, 1, d), by which the columns were multiplied.
    turnable: the sets of whose Laplacian the single addends are of no interest.
    """

    values: Tensor
    layout: Layout
    directions: Tensor | None = None
    turnable: Collection[str] = ()
    scale: Tensor | None = None

    def __post_init__(self) -> None:
        self.replicates, _, self.width = self.values.shape

    @classmethod
    def of(cls, points: Mapping[str, Tensor], layout: Layout, **rest: object) -> Seed:
        """Sets of points (K, n, d), by name."""
        parts = [points[name].detach() for bucket in layout.buckets for name, _ in bucket.sizes]
        return cls(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1), layout, **rest)  # type: ignore[arg-type]

    @property
    def like(self) -> Tensor:
        return self.values

    @property
    def is_axes(self) -> bool:
        """Whether its directions are those of the axes, at all points."""
        return self.directions is None

    def takes(self, constant: Tensor) -> bool:
        """Whether a constant can become part of the points: what is learned has its gradient elsewhere, and
        the columns stay as many as they are."""
        return not constant.requires_grad and (constant.numel() == 1 or constant.shape[-1] == self.width)

    def plus(self, constant: Tensor) -> Seed:
        """The points, moved by a constant of one row."""
        return replace(self, values=self.values + constant)

    def times(self, factor: Tensor) -> Seed:
        """The points, every column multiplied by a constant (1, 1, d)."""
        scale = factor if self.scale is None else self.scale * factor
        return replace(self, values=self.values * factor, scale=scale)

    def rows(self, layout: Layout) -> Tensor:
        rows = self.values.new_zeros(self.replicates, layout.rows, self.width)
        for bucket in layout.buckets:
            view = bucket.view(rows)
            view[:, 0] = self._values(bucket)
            for place, slope in enumerate(bucket.streams.slopes):
                for direction, number in slope:
                    if self.directions is None:
                        view[:, place, :, direction] = number
                    else:
                        view[:, place] += number * self.directions[:, :, direction]
                if slope and self.scale is not None:
                    view[:, place] *= self.scale
        return rows

    def spread(self, weight: Tensor) -> FirstMap | None:
        """The points times a weight (K, d, W), where that can be part of a program."""
        if not self.is_axes or self.width > _MOST_INPUTS or not fusable(self.layout, self.values):
            return None
        slopes = _table(self.layout, self.width, self.values.dtype, self.values.device)
        return FirstMap(self.values, weight, slopes if self.scale is None else slopes * self.scale)

    @property
    def constant(self) -> bool:
        """Whether many derivatives of a linear map of the points are its weights, the same at all of them."""
        return self.is_axes and any(is_long(bucket.streams) for bucket in self.layout.buckets)

    def mapped(self, weight: Tensor) -> tuple[Tensor, Layout]:
        """The points times a weight (K, d, W), where `constant`: (K, R, W), and how its rows lie.

        A function of W < d linear maps of the points has the Laplacian that it has within the W directions
        that they span, for which an orthonormal basis is taken: Σ ∂²/∂x_i² is the same along any.
        """
        parts: list[Tensor] = []
        buckets = []
        steep = weight if self.scale is None else weight * self.scale.mT
        for bucket in self.layout.buckets:
            slopes, streams, names = self._slopes(bucket, steep)
            buckets.append((streams, bucket.sizes, names))
            parts.append(torch.bmm(self._values(bucket), weight))
            parts.append(slopes.unsqueeze(2).expand(-1, -1, bucket.points, -1).flatten(1, 2))
        layout = Layout.stacked(buckets)
        return torch.cat(parts, dim=1), self.layout if layout == self.layout else layout

    def _values(self, bucket: Bucket) -> Tensor:
        return self.values[:, bucket.first : bucket.first + bucket.points]

    def _slopes(self, bucket: Bucket, weight: Tensor) -> tuple[Tensor, Streams, tuple[Stream, ...] | None]:
        """What a bucket's streams but the values are, (K, S − 1, W); all streams; as what they are asked."""
        streams = bucket.streams
        last = streams.carried[-1]
        names = {name for name, _ in bucket.sizes}
        turned = is_long(streams) and names <= set(self.turnable)
        if not turned or not isinstance(last, Operator) or len(last.squares) <= weight.shape[2]:
            return _mapped(weight, streams.slopes[1:]), streams, None
        directions, factors = zip(*last.squares, strict=True)
        summed = _columns(weight, directions, factors)
        basis = torch.linalg.qr(summed.detach()).Q
        alone = [path for path in streams.carried[1:-1] if path[0] not in directions]  # type: ignore[index]
        fresh = tuple((self.width + i, 1.0) for i in range(basis.shape[2]))
        slopes = [weight[:, [path[0] for path in alone]], basis.mT @ summed, _mapped(weight, [last.drift])]  # type: ignore[index]
        streams_here = Streams.of([*alone, Operator(fresh, last.drift)])
        return torch.cat(slopes, dim=1), streams_here, (*streams_here.carried[:-1], last)


@lru_cache(maxsize=256)
def _table(layout: Layout, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What all streams of the points are, one after another, (1, S, d).

    A kernel reads these numbers, so that it serves equations with other coefficients too.
    """
    slopes = [dict(slope) for bucket in layout.buckets for slope in bucket.streams.slopes]
    rows = [[slope.get(column, 0.0) for column in range(width)] for slope in slopes]
    return torch.tensor([rows], dtype=dtype, device=device)


def _mapped(weight: Tensor, slopes: Sequence[Slope]) -> Tensor:
    """What streams of the points become by a weight (K, d, W): (K, S, W)."""
    parts = [] if slopes else [weight.new_zeros(len(weight), 0, weight.shape[2])]
    for single, neighbours in groupby(slopes, lambda slope: len(slope) == 1):
        group = list(neighbours)
        if single:
            parts.append(_columns(weight, *zip(*(column for (column,) in group), strict=True)))
            continue
        rows = weight.new_zeros(len(weight), len(group), weight.shape[2])
        for row, slope in enumerate(group):
            for column, number in slope:
                rows[:, row] += number * weight[:, column]
        parts.append(rows)
    return torch.cat(parts, dim=1)


def _columns(weight: Tensor, columns: Sequence[int], numbers: Sequence[float]) -> Tensor:
    """Some rows of a weight (K, d, W), each times a number."""
    chosen = weight[:, list(columns)]
    return chosen if set(numbers) == {1.0} else chosen * weight.new_tensor(numbers)[:, None]
