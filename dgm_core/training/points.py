"""Which points a training looks at, step by step: when they are drawn anew, and by what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from dgm_core.formulation import Region
from dgm_core.random_streams import stream
from dgm_core.training.sampling import PointSource

ADAPTATIONS = ("none", "rad", "r3")
"""How the residual draws points: not at all, by `rad`, or by `r3`."""
_POOL = 8
"""Candidates for each point that `rad` chooses."""

Sizes = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
"""Points, term -> (K, n, d), to the size of the residual at each, term -> (K, n)."""


class Points:
    """{term: (K, n, d)}, drawn anew every `every` steps, or never where that is 0.

    "rad" draws _POOL times as many points as are wanted and chooses among them with a probability that
    grows with the residual, |r| / mean |r| + 1 (Wu et al. 2023, residual-based adaptive distribution, k = c
    = 1).  "r3" keeps the points where the residual is larger than its mean and draws the others anew (Daw et
    al. 2023).  The choices of replicate k come from its own streams (seed, "points", term, "adaptive",
    *path), all else from those of `PointSource`.
    """

    def __init__(
        self,
        regions: Mapping[str, Region],
        count: int,
        seeds: Sequence[int],
        *,
        sampler: str = "uniform",
        every: int = 1,
        adaptation: str = "none",
        path: tuple[str | int, ...] = (),
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self._every = every
        self._adaptation = adaptation
        self._sizes: Sizes | None = None
        self._age = 0
        self._current: dict[str, Tensor] = {}
        self._counts = {term: region.count(count) for term, region in regions.items()}
        self._chosen = {term for term, region in regions.items() if region.coordinates}
        pooled = count * _POOL if adaptation == "rad" else count
        self._source = PointSource(
            regions, pooled, seeds, sampler=sampler, path=path, dtype=dtype, device=device
        )
        self._streams = {
            term: [stream(seed, "points", term, "adaptive", *path) for seed in seeds] for term in regions
        }

    def judge(self, sizes: Sizes) -> None:
        """Says how large residuals are; before, adaptation draws as if they were the same everywhere."""
        self._sizes = sizes

    def due(self) -> bool:
        """Whether the next step is one for which `next` is to be called; to be asked once for each step but
        the first."""
        self._age += 1
        return bool(self._every) and self._age % self._every == 0

    def next(self) -> dict[str, Tensor]:
        """New points; the next call may overwrite them."""
        drawn = self._source.next()
        if self._adaptation == "rad":
            drawn = self._by_distribution(drawn)
        elif self._adaptation == "r3" and self._current and self._sizes is not None:
            drawn = self._renewed(drawn)
        if self._adaptation == "r3":
            self._current = {term: x.clone() for term, x in drawn.items()}
        return drawn

    def _by_distribution(self, pool: Mapping[str, Tensor]) -> dict[str, Tensor]:
        sizes = {} if self._sizes is None else self._sizes(pool)
        drawn = {}
        for term, x in pool.items():
            if term not in self._chosen:
                drawn[term] = x
                continue
            size = sizes.get(term, x.new_ones(x.shape[:2])).double()
            chance = (size / size.mean(dim=1, keepdim=True).clamp_min(1e-300) + 1.0).cpu()
            chance = torch.where(torch.isfinite(chance), chance, 1.0)
            rows = torch.stack(
                [
                    torch.multinomial(chances, self._counts[term], generator=g)
                    for chances, g in zip(chance, self._streams[term], strict=True)
                ]
            ).to(x.device)
            drawn[term] = x.gather(1, rows.unsqueeze(2).expand(-1, -1, x.shape[2]))
        return drawn

    def _renewed(self, fresh: Mapping[str, Tensor]) -> dict[str, Tensor]:
        assert self._sizes is not None
        sizes = self._sizes(self._current)
        points = {}
        for term, x in fresh.items():
            kept = sizes[term] > sizes[term].mean(dim=1, keepdim=True)
            points[term] = torch.where(kept.unsqueeze(2), self._current[term], x)
        return points

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on with the next points; a copy."""
        adaptive = self._adaptation == "rad"
        return {
            "age": self._age,
            "source": self._source.state(),
            "current": {term: x.clone() for term, x in self._current.items()},
            "streams": {
                term: [g.get_state() for g in generators]
                for term, generators in self._streams.items()
                if adaptive
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`."""
        self._age = state["age"]
        self._source.restore(state["source"])
        self._current = dict(state["current"])
        for term, states in state["streams"].items():
            for generator, saved in zip(self._streams[term], states, strict=True):
                generator.set_state(saved)
