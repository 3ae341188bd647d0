"""Rows of a Jacobian: all at once, or in chunks of bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from dgm_core.calculus.taps import Pass, Taps
from dgm_core.training.sweeps import Sweep

CHUNK_BYTES = 2**28
"""Of the rows of the Jacobian that are held at once while JᵀJ is summed."""

BLOCK = 192
"""Columns of a block of JᵀJ: fewer make products too small to be fast, more compute more of them twice."""


class Columns:
    """Where each of a network's parameters, (K, ...), is in a row of the Jacobian."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        sizes = [parameter[0].numel() for parameter in parameters]
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self._places = {
            id(p): slice(start, start + size)
            for p, start, size in zip(parameters, starts, sizes, strict=True)
        }
        self.count = sum(sizes)

    def of(self, parameter: Tensor) -> slice:
        """Those of one parameter."""
        return self._places[id(parameter)]

    def write(
        self, pass_: Pass, adjoints: Sequence[Tensor], bucket: int, point: int, into: Tensor, *, add: bool
    ) -> None:
        """Writes, or adds, the rows of neighbouring points of a bucket, from a point on, into (K, n, P)."""
        place = pass_.layout.buckets[bucket]
        points = slice(point, point + into.shape[1])

        def target(parameter: Tensor) -> Tensor:
            return into[:, :, self.of(parameter)]

        for linear_map, adjoint in zip(pass_.maps, adjoints, strict=True):
            linear_map.write(
                target,
                place.view(linear_map.inputs)[:, :, points],
                place.view(adjoint)[:, :, points],
                add=add,
            )


class Rows:
    """Residuals (K, N) at some parameters, with their Jacobian."""

    residuals: Tensor
    parameters: int
    function: tuple[Tensor, Tensor] | None = None

    def normal(self) -> tuple[Tensor, Tensor]:
        """JᵀJ (K, P, P) and Jᵀr (K, P), summed over chunks of rows."""
        square: Tensor | None = None
        for start, rows in self.chunks():
            residuals = self.residuals[:, start : start + rows.shape[1], None]
            if square is None:
                square = rows.new_zeros(len(rows), self.parameters, self.parameters)
                gradient = torch.zeros_like(square[:, :, :1])
            add_gram(square, rows)
            gradient.baddbmm_(rows.mT, residuals)
        assert square is not None
        return square, gradient[:, :, 0]

    def whole(self) -> Tensor:
        """J (K, N, P)."""
        return torch.cat([rows for _, rows in self.chunks()], dim=1)

    def chunks(self) -> Iterator[tuple[int, Tensor]]:
        """First row, and rows (K, n, P), one after another; the next may overwrite the last."""
        raise NotImplementedError


class StoredJacobian(Rows):
    """A Jacobian that is held in memory."""

    def __init__(self, residuals: Tensor, jacobian: Tensor) -> None:
        self.residuals = residuals.detach()
        self.parameters = jacobian.shape[2]
        self._jacobian = jacobian

    def chunks(self) -> Iterator[tuple[int, Tensor]]:
        yield 0, self._jacobian

    def whole(self) -> Tensor:
        return self._jacobian


class Swept(Rows):
    """A Jacobian whose rows are made from what the sweeps left at the linear maps."""

    def __init__(
        self, columns: Columns, taps: Taps, residuals: Sequence[Tensor], sweeps: Sequence[Sweep]
    ) -> None:
        self.residuals = flattened(residuals).detach()
        self.parameters = columns.count
        self._columns = columns
        self._taps = taps
        self._swept: list[tuple[Sweep, list[list[Tensor]]]] = []
        cuts = [pass_.cut for pass_ in taps.passes]
        for sweep in sweeps:
            total = sum(residuals[i][..., c].sum() for i, c in sweep.blocks)
            assert isinstance(total, Tensor)
            gradients = torch.autograd.grad(
                total, cuts, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            self._swept.append((sweep, taps.adjoints(gradients)))

    def chunks(self) -> Iterator[tuple[int, Tensor]]:
        replicates, count = self.residuals.shape
        size = max(1, min(count, CHUNK_BYTES // (8 * replicates * self.parameters)))
        room = self.residuals.new_empty(replicates, size, self.parameters)
        for start in range(0, count, size):
            end = min(count, start + size)
            rows = room[:, : end - start]
            self._fill(rows, start, end)
            yield start, rows

    def whole(self) -> Tensor:
        rows = self.residuals.new_empty(*self.residuals.shape, self.parameters)
        self._fill(rows, 0, rows.shape[1])
        return rows

    def _fill(self, rows: Tensor, start: int, end: int) -> None:
        rows.zero_()
        for sweep, adjoints in self._swept:
            for segment in sweep.segments:
                first, last = max(segment.row, start), min(segment.row + segment.count, end)
                if first < last:
                    tap = self._taps.passes[segment.call]
                    point = segment.point + first - segment.row
                    into = rows[:, first - start : last - start]
                    self._columns.write(tap, adjoints[segment.call], segment.bucket, point, into, add=True)


def add_gram(square: Tensor, rows: Tensor) -> None:
    """Adds rowsᵀ rows (K, P, P) of rows (K, n, P) to `square`: each pair of blocks of columns once, and its
    mirror image by copying, which takes little more than half the multiplications of the whole product."""
    count = rows.shape[2]
    for start in range(0, count, BLOCK):
        end = min(count, start + BLOCK)
        square[:, start:, start:end] += torch.bmm(rows[:, :, start:].mT, rows[:, :, start:end])
        square[:, start:end, end:] = square[:, end:, start:end].mT


def flattened(residuals: Sequence[Tensor]) -> Tensor:
    """Residuals (K, n, c) one after another, component by component: (K, N)."""
    return torch.cat([residual.mT.flatten(1) for residual in residuals], dim=1)


def rows_bytes(replicates: int, residuals: int, parameters: int) -> int:
    """Memory of one step of least squares, roughly: J or its chunk, the system and its factor; bytes."""
    smaller = min(residuals, parameters)
    rows = 8 * replicates * residuals * parameters
    held = rows if residuals < parameters else min(rows, CHUNK_BYTES)
    return held + 4 * 8 * replicates * smaller**2 + math.ceil(0.1 * held)
