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

CACHED_BYTES = 2**22
"""Of the rows of several replicates that JᵀJ is made of together.  Larger ones are made and multiplied one
replicate after another: rows that are still in the processor's cache are written and read several times as
fast."""

BLOCK = 96
"""Columns of a block of JᵀJ: fewer make products too small to be fast, more compute more of them twice."""

ALL = slice(None)
"""Of the replicates."""


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
        self,
        pass_: Pass,
        adjoints: Sequence[Tensor],
        bucket: int,
        point: int,
        into: Tensor,
        *,
        add: bool,
        replicates: slice = ALL,
    ) -> None:
        """Writes, or adds, the rows of neighbouring points of a bucket, from a point on, into (k, n, P), for
        the k replicates chosen."""
        place = pass_.layout.buckets[bucket]
        points = slice(point, point + into.shape[1])

        def target(parameter: Tensor) -> Tensor:
            return into[:, :, self.of(parameter)]

        for linear_map, adjoint in zip(pass_.maps, adjoints, strict=True):
            linear_map.write(
                target,
                place.view(linear_map.inputs)[replicates, :, points],
                place.view(adjoint)[replicates, :, points],
                add=add,
            )


class Rows:
    """Residuals (K, N) at some parameters, with their Jacobian."""

    residuals: Tensor
    parameters: int
    function: tuple[Tensor, Tensor] | None = None

    def normal(self) -> tuple[Tensor, Tensor]:
        """JᵀJ (K, P, P) and Jᵀr (K, P), summed over chunks of rows."""
        square = self.residuals.new_zeros(len(self.residuals), self.parameters, self.parameters)
        gradient = self.residuals.new_zeros(len(self.residuals), self.parameters)
        for chosen, start, rows in self._parts():
            add_gram(square[chosen], rows)
            _add_pulled(gradient[chosen], rows, self.residuals[chosen, start : start + rows.shape[1]])
        return square, gradient

    def pulled(self, values: Tensor) -> Tensor:
        """Jᵀ c (K, P) of values c (K, N)."""
        found = values.new_zeros(len(values), self.parameters)
        for chosen, start, rows in self._parts():
            _add_pulled(found[chosen], rows, values[chosen, start : start + rows.shape[1]])
        return found

    def _parts(self) -> Iterator[tuple[slice, int, Tensor]]:
        """Replicates, first row and rows: as many replicates together as the cache holds."""
        replicates, count = self.residuals.shape
        together = max(1, CACHED_BYTES // (8 * count * self.parameters))
        for first in range(0, replicates, together):
            chosen = slice(first, min(replicates, first + together))
            for start, rows in self.chunks(chosen):
                yield chosen, start, rows

    def whole(self) -> Tensor:
        """J (K, N, P)."""
        return torch.cat([rows for _, rows in self.chunks()], dim=1)

    def chunks(self, replicates: slice = ALL) -> Iterator[tuple[int, Tensor]]:
        """First row, and rows (k, n, P) of the replicates chosen, one after another; the next may overwrite
        the last."""
        raise NotImplementedError


class StoredJacobian(Rows):
    """A Jacobian that is held in memory."""

    def __init__(self, residuals: Tensor, jacobian: Tensor) -> None:
        self.residuals = residuals.detach()
        self.parameters = jacobian.shape[2]
        self._jacobian = jacobian

    def chunks(self, replicates: slice = ALL) -> Iterator[tuple[int, Tensor]]:
        yield 0, self._jacobian[replicates]

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

    def chunks(self, replicates: slice = ALL) -> Iterator[tuple[int, Tensor]]:
        chosen = self.residuals[replicates]
        count = chosen.shape[1]
        size = max(1, min(count, CHUNK_BYTES // (8 * len(chosen) * self.parameters)))
        room = chosen.new_empty(len(chosen), size, self.parameters)
        for start in range(0, count, size):
            end = min(count, start + size)
            rows = room[:, : end - start]
            self._fill(rows, start, end, replicates)
            yield start, rows

    def whole(self) -> Tensor:
        rows = self.residuals.new_empty(*self.residuals.shape, self.parameters)
        self._fill(rows, 0, rows.shape[1], ALL)
        return rows

    def _fill(self, rows: Tensor, start: int, end: int, replicates: slice) -> None:
        rows.zero_()
        for sweep, adjoints in self._swept:
            for segment in sweep.segments:
                first, last = max(segment.row, start), min(segment.row + segment.count, end)
                if first < last:
                    self._columns.write(
                        self._taps.passes[segment.call],
                        adjoints[segment.call],
                        segment.bucket,
                        segment.point + first - segment.row,
                        rows[:, first - start : last - start],
                        add=True,
                        replicates=replicates,
                    )


def add_gram(square: Tensor, rows: Tensor) -> None:
    """Adds rowsᵀ rows (K, P, P) of rows (K, n, P) to `square`: each pair of blocks of columns once, and its
    mirror image by copying, which takes little more than half the multiplications of the whole product."""
    count = rows.shape[2]
    for start in range(0, count, BLOCK):
        end = min(count, start + BLOCK)
        for whole, matrix in zip(square, rows, strict=True):
            whole[start:, start:end].addmm_(matrix[:, start:].mT, matrix[:, start:end])
        square[:, start:end, end:] = square[:, end:, start:end].mT


def _add_pulled(into: Tensor, rows: Tensor, values: Tensor) -> None:
    """Adds rowsᵀ values (K, P) of rows (K, n, P) and values (K, n)."""
    for pulled, matrix, value in zip(into, rows, values, strict=True):
        pulled.addmv_(matrix.mT, value)


def flattened(residuals: Sequence[Tensor]) -> Tensor:
    """Residuals (K, n, c) one after another, component by component: (K, N)."""
    return torch.cat([residual.mT.flatten(1) for residual in residuals], dim=1)


def rows_bytes(replicates: int, residuals: int, parameters: int) -> int:
    """Memory of one step of least squares, roughly: J or its chunk, the system and its factor; bytes."""
    smaller = min(residuals, parameters)
    rows = 8 * replicates * residuals * parameters
    held = rows if residuals < parameters else min(rows, CHUNK_BYTES)
    return held + 4 * 8 * replicates * smaller**2 + math.ceil(0.1 * held)
