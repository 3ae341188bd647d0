"""Quadrature on the unit interval."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

_factor: ContextVar[int] = ContextVar("factor", default=1)


@contextlib.contextmanager
def finer() -> Iterator[None]:
    """Inside the block integrals have twice as many Gauss–Legendre nodes as they ask for along each axis."""
    token = _factor.set(2)
    try:
        yield
    finally:
        _factor.reset(token)


def count_of(nodes: int) -> int:
    """How many nodes an integral that asks for `nodes` has: as many, or those of `finer`."""
    return nodes * _factor.get()


@lru_cache(maxsize=64)
def gauss_legendre(nodes: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights (m,), float64: exact for polynomials of degree 2 m − 1."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return torch.from_numpy(0.5 * (points + 1.0)), torch.from_numpy(0.5 * weights)


@lru_cache(maxsize=64)
def sobol_set(nodes: int, dimensions: int = 1) -> Tensor:
    """The first points (m, d) of a Sobol sequence, float64, to be shifted at random.

    A power of two is balanced best.  Source: Sobol (1967); for the shift Cranley and Patterson (1976).
    """
    return SobolEngine(dimensions).draw(nodes, dtype=torch.float64)
