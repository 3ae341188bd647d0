"""The Jacobian of all residuals with respect to a network's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from dgm_core.calculus.jets.jet import NoRuleError
from dgm_core.calculus.jets.layout import Layout
from dgm_core.calculus.taps import Pass, Taps, tappable, tapped
from dgm_core.random_streams import stream
from dgm_core.training.rows import CHUNK_BYTES, Columns, Rows, StoredJacobian, Swept, flattened
from dgm_core.training.sweeps import Sweep, found_sweeps

Residuals = Callable[[], Sequence[Tensor]]
"""The weighted residuals at fixed points, each (K, n, c), of the piece as it is."""


class Jacobian:
    """Residuals and rows of the Jacobian of a piece, (K, N, P), at fixed points.

    Which residual looks at which points is found once, from residuals of random streams.  Where each looks at
    points of its own, as differential equations do, all rows cost a reverse pass for each component.  Where
    residuals share points, as those of an integral do, their dependence on the network's streams is made
    explicit, and multiplied with the Jacobian of these streams.  A network with parameters outside of layers
    that can be tapped, or one whose derivatives are not carried, is differentiated residual by residual,
    which is slow: `slow` says so.
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
        self._columns = Columns(self._parameters)
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
            return StoredJacobian(flattened(residuals), self._mixed(taps, residuals))
        return Swept(self._columns, taps, residuals, self._sweeps)

    def _structure(self) -> list[Sweep] | None:
        """The sweeps that give all rows; None where residuals share points."""
        generator = stream(0, "jacobian")

        def random(streams: Tensor) -> Tensor:
            drawn = torch.rand(streams.shape[1:], dtype=torch.float64, generator=generator)
            return (0.5 + drawn).to(streams).expand(streams.shape).clone()

        taps = Taps(random)
        with torch.enable_grad(), tapped(self._network, self._piece, taps):
            residuals = list(self._residuals())
        return found_sweeps(residuals, taps.passes)

    def _mixed(self, taps: Taps, residuals: Sequence[Tensor]) -> Tensor:
        """J (K, N, P), by way of the Jacobian of the network's streams."""
        flat = flattened(residuals)  # (K, N)
        replicates, count = flat.shape
        cuts = [pass_.cut for pass_ in taps.passes]
        # Row by row: compiled steps, which may be part of it, know nothing of batched gradients.
        pieces = [
            torch.autograd.grad(
                flat[:, i].sum(), cuts, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for i in range(count)
        ]
        outer = [torch.stack(column, dim=1) for column in zip(*pieces, strict=True)]  # each (K, N, R, q)
        jacobian = flat.new_zeros(replicates, count, self._columns.count)
        for call, pass_ in enumerate(taps.passes):
            for cotangent, rows in _seeds(pass_):
                cotangents = [torch.zeros_like(other.outputs) for other in taps.passes]
                cotangents[call] = cotangent
                adjoints = taps.adjoints(cotangents)
                for bucket, rows_of, output in rows:
                    inner = pass_.outputs.new_zeros(
                        replicates, pass_.layout.buckets[bucket].points, self._columns.count
                    )
                    self._columns.write(pass_, adjoints[call], bucket, 0, inner, add=False)
                    jacobian += torch.bmm(outer[call][:, :, rows_of, output], inner)
        return jacobian.detach()

    def _by_residuals(self) -> StoredJacobian:
        with torch.enable_grad():
            flat = flattened(self._nested())
        replicates, count = flat.shape
        jacobian = flat.new_zeros(replicates, count, self._columns.count)
        size = max(1, CHUNK_BYTES // (8 * replicates * self._columns.count * 4))
        for start in range(0, count, size):
            rows = torch.arange(start, min(count, start + size), device=flat.device)
            seeds = torch.zeros(len(rows), replicates, count, dtype=flat.dtype, device=flat.device)
            seeds[torch.arange(len(rows)), :, rows] = 1.0
            pieces = torch.autograd.grad(
                flat, self._parameters, seeds, retain_graph=True, is_grads_batched=True, allow_unused=True
            )
            for parameter, piece in zip(self._parameters, pieces, strict=True):
                if piece is not None:  # (rows, K, ...)
                    jacobian[:, rows, self._columns.of(parameter)] = piece.flatten(2).movedim(0, 1)
        return StoredJacobian(flat.detach(), jacobian)


def _seeds(pass_: Pass) -> Iterator[tuple[Tensor, list[tuple[int, slice, int]]]]:
    """Cotangents of ones in one stream and one output of a pass, with (bucket, its rows, output)."""
    layout: Layout = pass_.layout
    for place in range(max(len(bucket.streams) for bucket in layout.buckets)):
        for output in range(pass_.outputs.shape[2]):
            cotangent = torch.zeros_like(pass_.outputs)
            rows = []
            for i, bucket in enumerate(layout.buckets):
                if place < len(bucket.streams):
                    begin = bucket.start + place * bucket.points
                    rows.append((i, slice(begin, begin + bucket.points), output))
                    cotangent[:, rows[-1][1], output] = 1.0
            yield cotangent, rows
