"""Quadrature on the unit interval."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy  # whose parts are loaded at their first use: scipy.stats takes most of a second
import torch
from torch import Tensor


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
    exponent = (nodes - 1).bit_length()
    return torch.from_numpy(scipy.stats.qmc.Sobol(dimensions, scramble=False).random_base2(exponent)[:nodes])
