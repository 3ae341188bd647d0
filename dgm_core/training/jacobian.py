"""The Jacobian of all residuals with respect to a network's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dgm_core.calculus.jets.jet import NoRuleError
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.taps import Pass, Taps, tappable, tapped
from dgm_core.streams import stream

CHUNK_BYTES = 2**28
"""Of the rows of the Jacobian that are held at once while JᵀJ is summed."""
_MOST_SEGMENTS = 64

Residuals = Callable[[], Sequence[Tensor]]
"""The weighted residuals at fixed points, each (K, n, c), of the piece as it is."""


@dataclass(frozen=True)
class Segment:
    """Neighbouring points of a pass that belong to neighbouring residuals: bucket, first point, first row,
    count."""

    call: int
    bucket: int
    point: int
    row: int
    count: int


@dataclass(frozen=True)
class Sweep:
    """Residuals that depend on points of their own, none on another's: one reverse pass serves all of them.

    blocks: (residual, component).
    """

    blocks: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]


class Jacobian:
    """Residuals and rows of the Jacobian of a piece, (K, N, P), at fixed points.

    Which residual looks at which points is found once, from residuals of random streams.  Where each looks at
    points of its own, as differential equations do, all rows cost a reverse pass for each component.  Where
    residuals share points, as those of an integral do, their dependence on the network's streams is made
    explicit, and multiplied with the Jacobian of these streams.  A network with parameters outside of linear
    layers, or one whose derivatives are not carried, is differentiated residual by residual, which is slow:
    `slow` says so.
    """

    def __init__(
        self, piece: nn.Module, network: nn.Module, residuals: Residuals, nested: Residuals | None = None
    ) -> None:
        """nested: the same residuals, no derivative of which is carried; for the slow way."""
        self._piece = piece
        self._network = network
        self._residuals = residuals
        self._nested = residuals if nested is None else nested
        self._parameters = list(network.parameters())
        sizes = [parameter[0].numel() for parameter in self._parameters]
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self._columns = {
            id(p): (start, start + size)
            for p, start, size in zip(self._parameters, starts, sizes, strict=True)
        }
        self.parameters = sum(sizes)
        self._sweeps: list[Sweep] | None = None
        self.slow = not tappable(network)
        if not self.slow:
            with torch.no_grad():
                residuals()  # the first call finds out how to differentiate, which is not to be tapped
            try:
                self._sweeps = self._structure()
            except NoRuleError:
                self.slow = True

    def __call__(self) -> Rows:
        """The residuals and their Jacobian at the present parameters."""
        if self.slow:
            return self._by_residuals()
        taps = Taps()
        with torch.enable_grad(), tapped(self._network, self._piece, taps):
            residuals = list(self._residuals())
        if self._sweeps is None:
            return Whole(flattened(residuals), self._mixed(taps, residuals))
        return Swept(self, taps, residuals, self._sweeps)

    def _structure(self) -> list[Sweep] | None:
        """The sweeps that give all rows; None where residuals share points."""
        generator = stream(0, "jacobian")

        def random(streams: Tensor) -> Tensor:
            drawn = torch.rand(streams.shape[1:], dtype=torch.float64, generator=generator)
            return (0.5 + drawn).to(streams).expand(streams.shape).clone()

        taps = Taps(random)
        with torch.enable_grad(), tapped(self._network, self._piece, taps):
            residuals = list(self._residuals())
        sweeps: list[tuple[list[tuple[int, int]], list[Segment], set[tuple[int, int, int]]]] = []
        row = 0
        for i, residual in enumerate(residuals):
            _, n, components = residual.shape
            for c in range(components):
                found = _owned(residual[..., c], taps.passes)
                if found is None:
                    return None
                segments = [Segment(*one[:3], row + c * n + one[3], one[4]) for one in found]
                points = {(s.call, s.bucket, s.point + k) for s in segments for k in range(s.count)}
                for blocks, others, taken in sweeps:
                    if not taken & points:
                        blocks.append((i, c))
                        others.extend(segments)
                        taken |= points
                        break
                else:
                    sweeps.append(([(i, c)], segments, points))
            row += n * components
        return [Sweep(tuple(blocks), tuple(segments)) for blocks, segments, _ in sweeps]

    def _mixed(self, taps: Taps, residuals: Sequence[Tensor]) -> Tensor:
        """J (K, N, P), by way of the Jacobian of the network's streams."""
        flat = flattened(residuals)  # (K, N)
        replicates, count = flat.shape
        cuts = [own.cut for own in taps.passes]
        # Row by row: compiled steps, which may be part of it, know nothing of batched gradients.
        pieces = [
            torch.autograd.grad(
                flat[:, i].sum(), cuts, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for i in range(count)
        ]
        outer = [torch.stack(own, dim=1) for own in zip(*pieces, strict=True)]  # each (K, N, R, q)
        found = flat.new_zeros(replicates, count, self.parameters)
        for call, own in enumerate(taps.passes):
            for cotangent, rows in _seeds(own):
                cotangents = [torch.zeros_like(one.outputs) for one in taps.passes]
                cotangents[call] = cotangent
                adjoints = taps.adjoints(cotangents)
                for bucket, rows_of, output in rows:
                    inner = own.outputs.new_zeros(
                        replicates, own.layout.buckets[bucket].points, self.parameters
                    )
                    self._write(own, adjoints[call], bucket, 0, inner, 0, inner.shape[1], add=False)
                    found += torch.bmm(outer[call][:, :, rows_of, output], inner)
        return found.detach()

    def _write(
        self,
        own: Pass,
        adjoints: Sequence[Tensor],
        bucket: int,
        point: int,
        into: Tensor,
        row: int,
        count: int,
        *,
        add: bool,
    ) -> None:
        """Writes, or adds, the rows of `count` points of a bucket into (K, rows, P), from a row on."""
        place = own.layout.buckets[bucket]
        for one, adjoint in zip(own.maps, adjoints, strict=True):
            inputs = place.view(one.inputs)[:, :, point : point + count]  # (K, S, n, fan_in)
            outputs = place.view(adjoint)[:, :, point : point + count]  # (K, S, n, fan_out)
            start, end = self._columns[id(one.weight)]
            target = into[:, row : row + count, start:end].unflatten(2, (inputs.shape[3], outputs.shape[3]))
            for s in range(inputs.shape[1]):
                left, right = inputs[:, s, :, :, None], outputs[:, s, :, None, :]
                if s or add:
                    target.addcmul_(left, right)
                else:
                    torch.mul(left, right, out=target)
            if one.bias is not None:
                start, end = self._columns[id(one.bias)]
                bias = into[:, row : row + count, start:end]
                bias.add_(outputs[:, 0]) if add else bias.copy_(outputs[:, 0])

    def _by_residuals(self) -> Whole:
        with torch.enable_grad():
            flat = flattened(self._nested())
        replicates, count = flat.shape
        found = flat.new_zeros(replicates, count, self.parameters)
        size = max(1, CHUNK_BYTES // (8 * replicates * self.parameters * 4))
        for start in range(0, count, size):
            rows = torch.arange(start, min(count, start + size), device=flat.device)
            seeds = torch.zeros(len(rows), replicates, count, dtype=flat.dtype, device=flat.device)
            seeds[torch.arange(len(rows)), :, rows] = 1.0
            pieces = torch.autograd.grad(
                flat, self._parameters, seeds, retain_graph=True, is_grads_batched=True, allow_unused=True
            )
            for parameter, piece in zip(self._parameters, pieces, strict=True):
                if piece is not None:  # (rows, K, ...)
                    first, last = self._columns[id(parameter)]
                    found[:, rows, first:last] = piece.flatten(2).movedim(0, 1)
        return Whole(flat.detach(), found)


class Rows:
    """Residuals (K, N) at some parameters, with their Jacobian."""

    residuals: Tensor
    parameters: int

    def normal(self) -> tuple[Tensor, Tensor]:
        """JᵀJ (K, P, P) and Jᵀr (K, P), summed over chunks of rows."""
        square: Tensor | None = None
        for start, rows in self.chunks():
            own = self.residuals[:, start : start + rows.shape[1], None]
            if square is None:
                square = torch.bmm(rows.mT, rows)
                gradient = torch.bmm(rows.mT, own)
            else:
                square.baddbmm_(rows.mT, rows)
                gradient.baddbmm_(rows.mT, own)
        assert square is not None
        return square, gradient[:, :, 0]

    def whole(self) -> Tensor:
        """J (K, N, P)."""
        return torch.cat([rows for _, rows in self.chunks()], dim=1)

    def chunks(self) -> Iterator[tuple[int, Tensor]]:
        """First row, and rows (K, n, P), one after another; the next may overwrite the last."""
        raise NotImplementedError


class Whole(Rows):
    """A Jacobian that is there."""

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
        self, maker: Jacobian, taps: Taps, residuals: Sequence[Tensor], sweeps: Sequence[Sweep]
    ) -> None:
        self.residuals = flattened(residuals).detach()
        self.parameters = maker.parameters
        self._maker = maker
        self._taps = taps
        self._swept: list[tuple[Sweep, list[list[Tensor]]]] = []
        cuts = [own.cut for own in taps.passes]
        for sweep in sweeps:
            total = sum(residuals[i][..., c].sum() for i, c in sweep.blocks)
            assert isinstance(total, Tensor)
            found = torch.autograd.grad(
                total, cuts, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            self._swept.append((sweep, taps.adjoints(found)))

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
            for one in sweep.segments:
                first, last = max(one.row, start), min(one.row + one.count, end)
                if first < last:
                    own = self._taps.passes[one.call]
                    point = one.point + first - one.row
                    self._maker._write(
                        own,
                        adjoints[one.call],
                        one.bucket,
                        point,
                        rows,
                        first - start,
                        last - first,
                        add=True,
                    )


def flattened(residuals: Sequence[Tensor]) -> Tensor:
    """Residuals (K, n, c) one after another, component by component: (K, N)."""
    return torch.cat([residual.mT.flatten(1) for residual in residuals], dim=1)


def _owned(residual: Tensor, passes: Sequence[Pass]) -> list[tuple[int, int, int, int, int]] | None:
    """(call, bucket, first point, first residual, count) of the points at which residuals (K, n) look.

    None where several look at the same point.  Each residual is weighted with its number: the gradient at a
    point is then as many times that of the unweighted sum as says whose point it is.
    """
    cuts = [own.cut for own in passes]
    numbers = torch.arange(1, residual.shape[1] + 1, dtype=residual.dtype, device=residual.device)

    def gradients(weights: Tensor) -> Sequence[Tensor]:
        total = (residual * weights).sum()
        if not total.requires_grad:
            return [torch.zeros_like(cut) for cut in cuts]
        return torch.autograd.grad(total, cuts, retain_graph=True, allow_unused=True, materialize_grads=True)

    found: list[tuple[int, int, int, int, int]] = []
    pairs = zip(gradients(torch.ones_like(numbers)), gradients(numbers), strict=True)
    for call, (plain, weighted) in enumerate(pairs):
        for bucket, place in enumerate(passes[call].layout.buckets):
            one, other = (place.view(g)[0].movedim(1, 0).flatten(1) for g in (plain, weighted))  # (n, S q)
            owners = _owners(one, other)
            if owners is None:
                return None
            for point, owner in enumerate(owners):
                last = found[-1] if found else None
                if owner < 0:
                    continue
                if (
                    last
                    and last[:2] == (call, bucket)
                    and (last[2] + last[4], last[3] + last[4]) == (point, owner)
                ):
                    found[-1] = (*last[:4], last[4] + 1)
                else:
                    found.append((call, bucket, point, owner, 1))
    return found if len(found) <= _MOST_SEGMENTS else None


def _owners(plain: Tensor, weighted: Tensor) -> list[int] | None:
    """The residual of each point, from 0, or −1 where none looks at it; None where several do."""
    scale = plain.abs().amax(dim=1)
    there = torch.maximum(scale, weighted.abs().amax(dim=1)) > 0.0
    place = plain.abs().argmax(dim=1, keepdim=True)
    number = (weighted.gather(1, place) / plain.gather(1, place))[:, 0]
    nearest = number.round()
    fits = (weighted - nearest[:, None] * plain).abs().amax(dim=1) <= 1e-9 * nearest.abs() * scale
    if not bool((fits | ~there).all()):
        return None
    owners: list[int] = torch.where(there, nearest - 1.0, -1.0).long().tolist()
    return owners


def _seeds(own: Pass) -> Iterator[tuple[Tensor, list[tuple[int, slice, int]]]]:
    """Cotangents of ones in one stream and one output of a pass, with (bucket, its rows, output)."""
    layout: Layout = own.layout
    for place in range(max(len(bucket.streams) for bucket in layout.buckets)):
        for output in range(own.outputs.shape[2]):
            cotangent = torch.zeros_like(own.outputs)
            rows = []
            for i, bucket in enumerate(layout.buckets):
                if place < len(bucket.streams):
                    begin = bucket.start + place * bucket.points
                    rows.append((i, slice(begin, begin + bucket.points), output))
                    cotangent[:, rows[-1][1], output] = 1.0
            yield cotangent, rows


def rows_bytes(replicates: int, residuals: int, parameters: int) -> int:
    """Memory of one step of least squares, roughly: J or its chunk, the system and its factor; bytes."""
    smaller = min(residuals, parameters)
    rows = 8 * replicates * residuals * parameters
    held = rows if residuals < parameters else min(rows, CHUNK_BYTES)
    return held + 4 * 8 * replicates * smaller**2 + math.ceil(0.1 * held)
