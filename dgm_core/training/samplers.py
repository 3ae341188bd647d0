"""Ways to draw the unit cube's points for a mini-batch, float64, from one generator."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_core.formulation.quadrature import sobol_set
from dgm_core.formulation.regions import Sampler


def uniform(batches: int, n: int, m: int, generator: torch.Generator) -> Tensor:
    """Independent uniform points: the paper's choice."""
    return torch.rand(batches, n, m, dtype=torch.float64, generator=generator)


def stratified(batches: int, n: int, m: int, generator: torch.Generator) -> Tensor:
    """Latin hypercube: one point in each of n strata of every axis (McKay, Beckman, Conover 1979)."""
    drawn = torch.rand(batches, 2, n, m, dtype=torch.float64, generator=generator)
    shuffle, place = drawn[:, 0].argsort(dim=1), drawn[:, 1]
    return (shuffle + place) / n


def sobol(batches: int, n: int, m: int, generator: torch.Generator) -> Tensor:
    """A Sobol sequence under a fresh random shift each batch (Cranley and Patterson 1976)."""
    shift = uniform(batches, 1, m, generator)
    return (sobol_set(n, m) + shift) % 1.0


SAMPLERS: dict[str, Sampler] = {"uniform": uniform, "stratified": stratified, "sobol": sobol}
