"""Numerical solutions of periodic evolution equations by Fourier series, as references."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.interpolation import DeviceTensors, Spline
from dgm_core.formulation.regions import Axis

Values = NDArray[np.float64]

_CONTOUR = 32
"""Points on the circle around each eigenvalue, over which the coefficients of a step are averaged."""
_OVERSAMPLED = 32
"""Nodes at which the initial values are read, for each one of the solution."""
_ORDER = 5
"""Of the spline along time."""


class FourierSeries:
    """A function of a periodic x and of time: (..., 2) -> (..., 1) float64.

    Its Fourier coefficients are quintic splines of time, so its derivatives are its own: a residual on it
    does not take the equation's word for the slopes.
    """

    def __init__(self, space: Axis, times: Values, series: NDArray[np.complex128]) -> None:
        """series: (len(times), m), coefficients of exp(i k φ) for k = 0 ... m − 1, φ the phase of x."""
        count = series.shape[1]
        twice = np.where(np.arange(count) == 0, 1.0, 2.0)
        parts = np.concatenate([twice * series.real, -twice * series.imag], axis=1)  # of cos and sin
        self._coefficients = Spline(make_interp_spline(times, parts, k=_ORDER))
        self._space = space
        self._waves = DeviceTensors(
            k=2.0 * math.pi / (space.upper - space.lower) * torch.arange(count).double()
        )

    def __call__(self, x: Tensor) -> Tensor:
        x = x.double()
        angle = (x[..., :1] - self._space.lower) * self._waves.on(x.device)["k"]
        waves = torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1)
        return (waves * self._at(x[..., 1:])).sum(dim=-1, keepdim=True)

    def _at(self, time: Tensor) -> Tensor:
        """The coefficients at times (..., 1), (..., 2m): on a grid few times are different, and there are
        many coefficients."""
        if time.requires_grad:
            return self._coefficients(time)
        different, place = torch.unique(time, return_inverse=True)
        return self._coefficients(different[:, None])[place[..., 0]]


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
) -> FourierSeries:
    """The solution of u_t = L u + N(u), periodic along `space`, from its initial values.

    initial: of x (n,), its values.  linear: of the wavenumbers k (m,), the eigenvalues of L on exp(ikx),
    real.  nonlinear: of the values (n,) and the derivative along x, the values of N.  nodes: along x; steps:
    in time, of which every `steps // kept` is kept for the splines.

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
    times = np.linspace(time.lower, time.upper, kept + 1)
    return FourierSeries(space, times, np.stack(series)[:, : nodes // 2] / nodes)
