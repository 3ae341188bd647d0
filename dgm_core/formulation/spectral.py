"""Numerical solutions of periodic evolution equations by Fourier series, as references."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.interpolation import DeviceTensors
from dgm_core.formulation.regions import Axis

Values = NDArray[np.float64]

_CONTOUR = 32
"""Points on the circle around each eigenvalue, over which the coefficients of a step are averaged."""
_OVERSAMPLED = 32
"""Nodes at which the initial values are read, for each one of the solution."""
_PADDED = 8
"""Nodes at which the solution is kept, for each one that it was computed with."""
_IN_SPACE, _IN_TIME = 10, 6
"""Nodes through which a polynomial goes."""


class PeriodicField:
    """A function of a periodic x and of time from its values on a grid: (..., 2) -> (..., 1) float64.

    Between the nodes it is a polynomial along each axis through the nearest of them, so its derivatives are
    its own: a residual on it does not take the equation's word for the slopes.
    """

    def __init__(self, space: Axis, time: Axis, values: Values) -> None:
        """values: (times, n), at equal distances; those of x without its upper end."""
        count, nodes = values.shape
        self._space, self._time = space, time
        self._steps = nodes / (space.upper - space.lower), (count - 1) / (time.upper - time.lower)
        self._values = DeviceTensors(values=torch.from_numpy(values))

    def __call__(self, x: Tensor) -> Tensor:
        x = x.double()
        values = self._values.on(x.device)["values"]
        count, nodes = values.shape
        place = (x[..., 0] - self._space.lower) * self._steps[0]
        moment = (x[..., 1] - self._time.lower) * self._steps[1]
        first = place.detach().floor().long() - (_IN_SPACE // 2 - 1)
        begun = (moment.detach().floor().long() - (_IN_TIME // 2 - 1)).clamp(0, count - _IN_TIME)
        columns = (first.unsqueeze(-1) + torch.arange(_IN_SPACE, device=x.device)) % nodes
        rows = begun.unsqueeze(-1) + torch.arange(_IN_TIME, device=x.device)
        around = values[rows.unsqueeze(-1), columns.unsqueeze(-2)]  # (..., _IN_TIME, _IN_SPACE)
        along = (around * _weights(place - first, _IN_SPACE).unsqueeze(-2)).sum(dim=-1)
        return (along * _weights(moment - begun, _IN_TIME)).sum(dim=-1, keepdim=True)


def _weights(place: Tensor, count: int) -> Tensor:
    """Lagrange's polynomials on the nodes 0 ... count − 1, (..., count)."""
    gaps = [place - i for i in range(count)]
    weights = []
    for j in range(count):
        weight = torch.ones_like(place)
        for i, gap in enumerate(gaps):
            weight = weight if i == j else weight * gap / (j - i)
        weights.append(weight)
    return torch.stack(weights, dim=-1)


def periodic_solution(
    space: Axis,
    time: Axis,
    *,
    initial: Callable[[Values], Values],
    linear: Callable[[Values], Values],
    nonlinear: Callable[[Values, Callable[[Values], Values]], Values],
    nodes: int,
    steps: int,
    kept: int,
) -> PeriodicField:
    """The solution of u_t = L u + N(u), periodic along `space`, from its initial values.

    initial: of x (n,), its values.  linear: of the wavenumbers k (m,), the eigenvalues of L on exp(ikx),
    real.  nonlinear: of the values (n,) and the derivative along x, the values of N.  nodes: along x; steps:
    in time, of which every `steps // kept`th is kept.

    The exponential Runge–Kutta method of fourth order: L is integrated exactly, so a stiff one does not limit
    the step.  Source: Cox and Matthews (2002); Kassam and Trefethen (2005).  Raises ConfigurationError where
    the values overflow.
    """
    step = (time.upper - time.lower) / steps
    k: Values = 2.0 * math.pi / (space.upper - space.lower) * np.arange(nodes // 2 + 1, dtype=np.float64)
    slope = 1j * np.where(np.arange(nodes // 2 + 1) == nodes / 2, 0.0, k)
    eigenvalues = linear(k)

    def derivative(values: Values) -> Values:
        return np.fft.irfft(slope * np.fft.rfft(values), nodes)

    def rate(series: NDArray[np.complex128]) -> NDArray[np.complex128]:
        return np.fft.rfft(nonlinear(np.fft.irfft(series, nodes), derivative))

    circle = np.exp(1j * math.pi * (np.arange(_CONTOUR) + 0.5) / _CONTOUR)
    z = step * eigenvalues[:, None] + circle
    whole, half = np.exp(step * eigenvalues), np.exp(0.5 * step * eigenvalues)

    def mean(values: NDArray[np.complex128]) -> Values:
        return step * values.mean(axis=1).real

    q = mean((np.exp(z / 2) - 1) / z)
    first = mean((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3)
    middle = mean((2 + z + np.exp(z) * (z - 2)) / z**3)
    last = mean((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3)

    # On more nodes, so that initial values with a kink leave nothing of their short waves in the long ones.
    fine = nodes * _OVERSAMPLED
    x = space.lower + (space.upper - space.lower) * np.arange(fine) / fine
    v = np.fft.rfft(initial(x))[: nodes // 2 + 1] / _OVERSAMPLED
    series = [v]
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(1, steps + 1):
            now = rate(v)
            a = half * v + q * now
            at_a = rate(a)
            at_b = rate(half * v + q * at_a)
            at_c = rate(half * a + q * (2 * at_b - now))
            v = whole * v + first * now + 2 * middle * (at_a + at_b) + last * at_c
            if i % (steps // kept) == 0:
                series.append(v)
    if not np.isfinite(v).all():
        raise ConfigurationError("the equation cannot be solved numerically: its values overflow.")
    dense = np.fft.irfft(np.stack(series), nodes * _PADDED) * _PADDED
    return PeriodicField(space, time, dense)
