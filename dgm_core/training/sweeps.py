"""Which residual looks at which points of a network's calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.calculus.taps import Pass

_MOST_SEGMENTS = 64


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


def found_sweeps(residuals: Sequence[Tensor], passes: Sequence[Pass]) -> list[Sweep] | None:
    """The sweeps that give all rows of residuals (K, n, c); None where residuals share points."""
    sweeps: list[tuple[list[tuple[int, int]], list[Segment], set[tuple[int, int, int]]]] = []
    row = 0
    for i, residual in enumerate(residuals):
        _, n, components = residual.shape
        for c in range(components):
            owned = _owned(residual[..., c], passes)
            if owned is None:
                return None
            segments = [Segment(*run[:3], row + c * n + run[3], run[4]) for run in owned]
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


def _owned(residual: Tensor, passes: Sequence[Pass]) -> list[tuple[int, int, int, int, int]] | None:
    """(call, bucket, first point, first residual, count) of the points at which residuals (K, n) look.

    None where several look at the same point.  Each residual is weighted with its number: the gradient at a
    point is then as many times that of the unweighted sum as says whose point it is.
    """
    cuts = [pass_.cut for pass_ in passes]
    numbers = torch.arange(1, residual.shape[1] + 1, dtype=residual.dtype, device=residual.device)

    def gradients(weights: Tensor) -> Sequence[Tensor]:
        total = (residual * weights).sum()
        if not total.requires_grad:
            return [torch.zeros_like(cut) for cut in cuts]
        return torch.autograd.grad(total, cuts, retain_graph=True, allow_unused=True, materialize_grads=True)

    runs: list[tuple[int, int, int, int, int]] = []
    pairs = zip(gradients(torch.ones_like(numbers)), gradients(numbers), strict=True)
    for call, (plain, weighted) in enumerate(pairs):
        for bucket, place in enumerate(passes[call].layout.buckets):
            pulled = (place.view(g)[0].movedim(1, 0).flatten(1) for g in (plain, weighted))  # (n, S q)
            owners = _owners(*pulled)
            if owners is None:
                return None
            for point, owner in enumerate(owners):
                last = runs[-1] if runs else None
                if owner < 0:
                    continue
                if (
                    last
                    and last[:2] == (call, bucket)
                    and (last[2] + last[4], last[3] + last[4]) == (point, owner)
                ):
                    runs[-1] = (*last[:4], last[4] + 1)
                else:
                    runs.append((call, bucket, point, owner, 1))
    return runs if len(runs) <= _MOST_SEGMENTS else None


def _owners(plain: Tensor, weighted: Tensor) -> list[int] | None:
    """The residual of each point, from 0, or −1 where none looks at it; None where several do."""
    scale = plain.abs().amax(dim=1)
    there = torch.maximum(scale, weighted.abs().amax(dim=1)) > 0.0
    place = plain.abs().argmax(dim=1, keepdim=True)
    number = (weighted.gather(1, place) / plain.gather(1, place))[:, 0]
    nearest = number.round()
    tolerance = 1e-9 if plain.dtype == torch.float64 else 1e-4
    fits = (weighted - nearest[:, None] * plain).abs().amax(dim=1) <= tolerance * nearest.abs() * scale
    if not bool((fits | ~there).all()):
        return None
    owners: list[int] = torch.where(there, nearest - 1.0, -1.0).long().tolist()
    return owners
