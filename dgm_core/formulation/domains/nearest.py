"""Which of many straight edges a point lies on, looked up on a grid."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_CELLS = 64
"""Along each axis, at most: cells are then about as long as the edges of an outline of 250."""
_FEW = 12
"""So many edges are compared with as quickly as looked up."""
_MARGIN = 1e-3
"""Of a cell's size, by which a point may be off the edge that it lies on."""


class NearestEdge:
    """The first of the nearest edges to points (..., 2) on or next to them, as an index (...).

    ends: starts and ends of the edges, (2, m, 2) float64.  slack: distances this close count as equal, as on
    a corner.  A grid over the edges says for each cell which edges any point of it can be nearest to: in a
    cell whose centre c has the distance d from its nearest edge, those within d and the cell's diagonal of c.
    So a point costs as much for hundreds of edges as for a few.  A point in a cell that no edge passes
    through is compared with no more edges than one on an edge, those nearest to its cell.
    """

    def __init__(self, ends: Tensor, slack: float) -> None:
        self._ends, self._slack = ends, slack
        count = ends.shape[1]
        self._cells = 0 if count <= _FEW else min(_CELLS, count)
        if self._cells:
            self._lower, upper = ends.amin(dim=(0, 1)), ends.amax(dim=(0, 1))
            self._size = (upper - self._lower).clamp_min(
                float((upper - self._lower).max()) * 1e-6
            ) / self._cells
            self._candidates = self._found()
            self._tables = _coefficients(*ends[:, self._candidates]).transpose(0, 1)  # (cells², 5, c)

    def distances(self, x: Tensor) -> Tensor:
        """Of points (..., 2) from each edge, (..., m)."""
        return _distances(x, _coefficients(*self._ends.to(x)))

    def __call__(self, x: Tensor) -> Tensor:
        if not self._cells:
            return self._first(self.distances(x))
        cell = ((x - self._lower.to(x)) / self._size.to(x)).floor().clamp(0, self._cells - 1).long()
        which = cell[..., 0] * self._cells + cell[..., 1]
        first = self._first(_distances(x, self._tables.to(x)[which].unbind(dim=-2)))
        return self._candidates.to(x.device)[which, first]

    @property
    def compared(self) -> int:
        """With how many edges a point is compared."""
        return self._candidates.shape[1] if self._cells else self._ends.shape[1]

    def _first(self, distances: Tensor) -> Tensor:
        near = distances <= distances.amin(dim=-1, keepdim=True) + self._slack
        return near.to(torch.uint8).argmax(dim=-1)

    def _found(self) -> Tensor:
        """Of each cell the edges to compare with, in order, (cells², c); those of few repeat the first."""
        steps = torch.arange(self._cells, dtype=torch.float64) + 0.5
        centres = self._lower + torch.cartesian_prod(steps, steps) * self._size
        distances = self.distances(centres)
        diagonal = float(self._size.norm()) * (1.0 + _MARGIN)
        nearest = distances.amin(dim=-1)
        asked = distances <= nearest[:, None] + diagonal + self._slack
        passed = nearest <= diagonal / 2
        most = int(asked[passed].sum(dim=-1).max())
        # The nearest `most`, in the order of the edges: of equally near ones the first counts.
        chosen = distances.topk(most, dim=-1, largest=False).indices
        mine = asked.gather(-1, chosen)
        return torch.where(mine, chosen, chosen[:, :1]).sort(dim=-1).values


def _coefficients(starts: Tensor, ends: Tensor) -> Tensor:
    """Of edges (..., 2): start, direction and one over the square of the length, (5, ...)."""
    along = ends - starts
    squares = along.square().sum(dim=-1)
    return torch.stack([*starts.unbind(dim=-1), *along.unbind(dim=-1), 1.0 / squares])


def _distances(x: Tensor, edges: Iterable[Tensor]) -> Tensor:
    """Of points (..., 2) from edges by their coefficients, (m,) or (..., m) each, as (..., m).

    Axis by axis, since sums over two columns are slow.
    """
    px, py, ax, ay, inverse = edges
    dx, dy = x[..., :1] - px, x[..., 1:] - py
    share = ((dx * ax + dy * ay) * inverse).clamp(0.0, 1.0)
    dx, dy = dx - share * ax, dy - share * ay
    return (dx * dx + dy * dy).sqrt()
