"""Interpolation by torch's own operations: differentiable, recordable, and on the device of the points.

SciPy works out the pieces, once; a call is then a look-up and a polynomial.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # whose parts are loaded at their first use
import torch
from numpy.typing import NDArray
from torch import Tensor

_ORDER = 3
_PER_SIMPLEX = 2.0
"""Buckets for each simplex, in which those that reach into them are listed."""
_INSIDE = 1e-9
"""How far outside of a simplex, as a share of its size, a point still counts as inside: rounding."""


class DeviceTensors:
    """Tensors that a function needs, on whatever device it is called."""

    def __init__(self, **tensors: Tensor) -> None:
        self._own = tensors
        self._there: dict[torch.device, dict[str, Tensor]] = {}

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """The tensors by name, moved there once."""
        if device not in self._there:
            self._there[device] = {name: tensor.to(device) for name, tensor in self._own.items()}
        return self._there[device]


class Spline:
    """Piecewise polynomials of one coordinate; beyond its ends the outermost ones go on.

    Its derivatives are the spline's own, so a residual on it compares the values with the equation
    and does not take the equation's word for the slopes.
    """

    def __init__(self, spline: Any) -> None:
        """spline: a `scipy.interpolate.BSpline` with values (q,)."""
        knots = np.unique(spline.t[spline.k : len(spline.t) - spline.k])
        # Taylor coefficients at the start of each piece, the highest power first.
        powers = [spline(knots[:-1], nu=power) / math.factorial(power) for power in range(spline.k, -1, -1)]
        self._constants = DeviceTensors(
            starts=torch.from_numpy(knots[:-1].copy()),
            coefficients=torch.from_numpy(np.stack(powers, axis=1)),  # (m, order + 1, q)
        )

    @classmethod
    def through(cls, x: NDArray[np.float64], values: NDArray[np.float64]) -> Spline:
        """The cubic one through values (n, q) at x (n,), in any order; of fewer than four, of lower order."""
        order = np.argsort(x, kind="stable")
        knots = x[order]
        return cls(scipy.interpolate.make_interp_spline(knots, values[order], k=min(_ORDER, len(x) - 1)))

    def __call__(self, x: Tensor) -> Tensor:
        """The values at x (..., 1), as (..., q) float64."""
        constants, x = self._constants.on(x.device), x.double()
        starts = constants["starts"]
        piece = (torch.searchsorted(starts, x.detach()[..., 0].contiguous(), right=True) - 1).clamp_min(0)
        local = x - starts[piece].unsqueeze(-1)
        coefficients = constants["coefficients"][piece]  # (..., order + 1, q)
        values = coefficients[..., 0, :].expand(*x.shape[:-1], -1)
        for power in coefficients.unbind(dim=-2)[1:]:
            values = values * local + power
        return values


class Simplices:
    """Values between scattered points of d ≥ 2 coordinates: linear on each simplex of their Delaunay mesh.

    Outside of the points' hull it is the value of the nearest point on the hull.
    """

    def __init__(self, points: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        self._lower = points.min(axis=0)
        size = points.max(axis=0) - self._lower
        self._size = np.where(size > 0, size, 1.0)
        self._unit = (points - self._lower) / self._size
        self._values = values

    def __call__(self, x: Tensor) -> Tensor:
        """The values at x (..., d), as (..., q) float64."""
        arrays = self._constants.on(x.device)
        flat = (x.double().reshape(-1, x.shape[-1]) - arrays["lower"]) / arrays["size"]
        at = flat.detach()
        cell = (at * arrays["cells"]).floor().long().clamp_min(0).minimum(arrays["cells"] - 1)
        candidates = arrays["buckets"][(cell * arrays["strides"]).sum(dim=-1)]
        # Candidates (n, m); the simplex that contains a point is the one whose least coordinate is largest.
        weights = _barycentric(at.unsqueeze(1), arrays["maps"][candidates], arrays["corners"][candidates])
        least = weights.amin(dim=-1)
        best = candidates.gather(1, least.argmax(dim=1, keepdim=True))[:, 0]
        inside = least.amax(dim=1, keepdim=True) >= -_INSIDE
        share = _barycentric(flat, arrays["maps"][best], arrays["corners"][best])
        interpolated = (share.unsqueeze(-1) * arrays["values"][arrays["simplices"][best]]).sum(dim=1)
        nearest = arrays["hull_values"][torch.cdist(at, arrays["hull"]).argmin(dim=1)]
        return torch.where(inside, interpolated, nearest).reshape(*x.shape[:-1], -1)

    @cached_property
    def _constants(self) -> DeviceTensors:
        mesh = scipy.spatial.Delaunay(self._unit)
        simplices = mesh.simplices[np.isfinite(mesh.transform).all(axis=(1, 2))]  # without those of no volume
        corners = self._unit[simplices]  # (s, d + 1, d)
        maps = np.linalg.inv((corners[:, :-1] - corners[:, -1:]).transpose(0, 2, 1))
        d = self._unit.shape[1]
        cells = max(1, math.ceil((_PER_SIMPLEX * len(simplices)) ** (1 / d)))
        buckets = _buckets(corners, cells)
        # An index that no list uses stands for a simplex far away, in which no point lies.
        far = np.full((1, d), 1e6)
        hull = np.unique(mesh.convex_hull)
        return DeviceTensors(
            lower=torch.from_numpy(self._lower),
            size=torch.from_numpy(self._size),
            cells=torch.tensor(cells),
            strides=torch.tensor([cells**i for i in range(d)]),
            buckets=torch.from_numpy(buckets),
            maps=torch.from_numpy(np.concatenate([maps, np.eye(d)[None]])),
            corners=torch.from_numpy(np.concatenate([corners[:, -1], far])),
            simplices=torch.from_numpy(np.concatenate([simplices, np.zeros((1, d + 1))]).astype(np.int64)),
            values=torch.from_numpy(self._values),
            hull=torch.from_numpy(self._unit[hull]),
            hull_values=torch.from_numpy(self._values[hull]),
        )


def _barycentric(x: Tensor, maps: Tensor, corner: Tensor) -> Tensor:
    """(..., d + 1) of points (..., d) in simplices of maps (..., d, d) and last corners (..., d)."""
    first = (maps * (x - corner).unsqueeze(-2)).sum(dim=-1)
    return torch.cat([first, 1.0 - first.sum(dim=-1, keepdim=True)], dim=-1)


def _buckets(corners: NDArray[np.float64], cells: int) -> NDArray[np.int64]:
    """(cells^d, m): the simplices whose bounding boxes reach into each cell of the unit cube, filled up with
    their number, which is that of none."""
    count, d = len(corners), corners.shape[2]
    low = np.clip(np.floor((corners.min(axis=1) - _INSIDE) * cells), 0, cells - 1).astype(np.int64)
    high = np.clip(np.floor((corners.max(axis=1) + _INSIDE) * cells), 0, cells - 1).astype(np.int64)
    spans = high - low + 1
    each = spans.prod(axis=1)
    simplex = np.repeat(np.arange(count), each)
    rank = np.arange(each.sum()) - np.repeat(each.cumsum() - each, each)
    cell = np.zeros(len(simplex), dtype=np.int64)
    for i in range(d):
        cell += (low[simplex, i] + rank % spans[simplex, i]) * cells**i
        rank = rank // spans[simplex, i]
    order = np.argsort(cell, kind="stable")
    cell, simplex = cell[order], simplex[order]
    lengths = np.bincount(cell, minlength=cells**d)
    buckets = np.full((cells**d, max(1, lengths.max())), count, dtype=np.int64)
    buckets[cell, np.arange(len(cell)) - np.repeat(lengths.cumsum() - lengths, lengths)] = simplex
    return buckets
