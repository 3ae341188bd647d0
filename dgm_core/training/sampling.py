"""The training points of every iteration, for all replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from dgm_core.formulation import Region
from dgm_core.random_streams import stream
from dgm_core.training.samplers import SAMPLERS, uniform

_BLOCK_POINTS = 16_384
_BLOCK_BATCHES = 64


class PointSource:
    """Draws {term: (K, n, d)} anew at each iteration (Detorakis, algorithm 3).

    Replicate k draws each term from the stream (seeds[k], "points", term, *path), so its points
    depend on no other replicate, term, dtype or device.  Batches are drawn in blocks, which spares most of
    the cost of small draws.
    """

    def __init__(
        self,
        regions: Mapping[str, Region],
        batch_size: int,
        seeds: Sequence[int],
        *,
        sampler: str = "uniform",
        path: tuple[str | int, ...] = (),
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.regions = dict(regions)
        self.batch_size = batch_size
        self._draw = SAMPLERS[sampler]
        self._to = {"dtype": dtype, "device": device}
        self._streams = {term: [stream(seed, "points", term, *path) for seed in seeds] for term in regions}
        largest = max(region.count(batch_size) for region in self.regions.values())
        self._batches = min(_BLOCK_BATCHES, max(1, _BLOCK_POINTS // largest))
        self._block: dict[str, Tensor] = {}
        self._block_start: dict[str, list[Tensor]] = {}
        self._position = self._batches

    def next(self) -> dict[str, Tensor]:
        """The next iteration's points."""
        if self._position == self._batches:
            self._fill()
        points = {term: block[self._position] for term, block in self._block.items()}
        self._position += 1
        return points

    def _fill(self) -> None:
        self._block_start = {
            term: [generator.get_state() for generator in generators]
            for term, generators in self._streams.items()
        }
        self._block = {term: self._draw_block(term) for term in self.regions}
        self._position = 0

    def _draw_block(self, term: str) -> Tensor:
        """(batches, K, n, d)"""
        region = self.regions[term]
        n = region.count(self.batch_size)
        sampler = uniform if region.independent else self._draw
        drawn = [region.draw(sampler, self._batches, n, g) for g in self._streams[term]]
        return torch.stack(drawn, dim=1).to(**self._to)  # type: ignore[call-overload]

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on with the next iteration's points."""
        return {"position": self._position, "streams": self._block_start}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`, drawing the current block again."""
        if not state["streams"]:
            return
        for term, states in state["streams"].items():
            for generator, saved in zip(self._streams[term], states, strict=True):
                generator.set_state(saved)
        self._fill()
        self._position = state["position"]
