"""A model of the error over the settings: a Gaussian process that does not pretend to know its own scales.

The logarithm of the error is a smooth function of the settings (Matérn 5/2) plus noise.  How fast it changes
along each setting, its size and the noise are not fitted but drawn from their posterior by elliptical slice
sampling (Murray, Adams and MacKay 2010, AISTATS), because with a few dozen trials the fitted ones look far
surer than they are.  The prior of a length grows with the root of the number of settings (Hvarfner,
Hellsten and Nardi 2024, ICML).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.special import ndtr

Array = NDArray[np.float64]

_DRAWS, _WARM, _APART = 100, 50, 10
"""Draws that are kept, steps before the first, and from each to the next: neighbours are nearly the same."""
_LENGTH, _LENGTH_SPREAD = np.log(0.7), 1.0
"""Of the logarithm of a length in one setting, on [0, 1]: times the root of how many settings there are."""
_NOISE, _NOISE_SPREAD = np.log(0.2), 1.0
"""Of the noise, in standard deviations of what is modelled."""
_OFFSET = 10.0
"""Variance of a constant that is not known: the process has no mean of its own."""
_JITTER = 1e-6
_FEATURES = 128
"""Of a function that is drawn whole."""


class Surrogate:
    """What some trainings say of a function of the settings.

    points (n, d): each setting on [0, 1], a choice as coordinates 1 apart; values (n,).
    """

    def __init__(self, points: Array, values: Array, rng: np.random.Generator, draws: int = _DRAWS) -> None:
        self._points, self._unit = points, float(np.std(values)) or 1.0
        self._values = (values - float(np.mean(values))) / self._unit
        theta = np.zeros(points.shape[1] + 2)
        likely = _likelihood(theta, points, self._values)
        self._draws: list[Array] = []
        for step in range(_WARM + draws * _APART):
            theta, likely = _slice(theta, likely, points, self._values, rng)
            if step >= _WARM and (step - _WARM) % _APART == 0:
                self._draws.append(theta)

    def exceeds(self, slices: Array, origin: Array, amount: float) -> Array:
        """How likely it is higher than at the origin (d,) by more than `amount` at each of slices (q, d)."""
        rise, chances = amount / self._unit, np.zeros(len(slices))
        for theta in self._draws:
            mean, deviation = _difference(theta, self._points, self._values, slices, origin)
            chances += ndtr((mean - rise) / np.maximum(deviation, 1e-9))
        return np.asarray(chances / len(self._draws))

    def shares(self, design: Array, levels: Sequence[Array], rng: np.random.Generator) -> Array:
        """What each setting alone explains of the variance over the design, (draws, settings).

        The first-order indices of the functional analysis of variance (Sobol' 1993), of functions drawn from
        the posterior: a share of one for each draw, so that the draws give an interval (Oakley and O'Hagan
        2004, J. R. Stat. Soc. B 66:751).  design: (N, d), evenly over the space; levels: of each setting in
        turn, its coordinates at some values, (G, c).
        """
        blocks, first = [], 0
        for own in levels:
            block = np.repeat(design[None], len(own), axis=0)
            block[:, :, first : first + own.shape[1]] = own[:, None]
            blocks.append(block.reshape(-1, design.shape[1]))
            first += own.shape[1]
        places, ends = np.vstack(blocks), np.cumsum([len(block) for block in blocks])[:-1]
        rows = []
        for theta in self._draws:
            path = _path(theta, self._points, self._values, places, rng)
            parts = np.split(path, ends)
            effects = [
                part.reshape(len(own), -1).mean(axis=1) for part, own in zip(parts, levels, strict=True)
            ]
            rows.append([effect.var() / path.var() for effect in effects])
        return np.array(rows)


def _slice(
    theta: Array, likely: float, points: Array, values: Array, rng: np.random.Generator
) -> tuple[Array, float]:
    """One step; theta: standard normal before anything is seen, lengths, size and noise of `_scales`."""
    least = likely + np.log(rng.uniform())
    ellipse, angle = rng.normal(size=theta.shape), rng.uniform(0.0, 2 * np.pi)
    low, high = angle - 2 * np.pi, angle
    while True:
        tried = theta * np.cos(angle) + ellipse * np.sin(angle)
        likely = _likelihood(tried, points, values)
        if likely > least or high - low < 1e-9:
            return tried, likely
        low, high = (angle, high) if angle < 0 else (low, angle)
        angle = rng.uniform(low, high)


def _scales(theta: Array) -> tuple[Array, float, float]:
    """Lengths (d,), variance of the function and of the noise."""
    d = len(theta) - 2
    lengths = np.exp(_LENGTH + 0.5 * np.log(d) + _LENGTH_SPREAD * theta[:-2])
    return lengths, float(np.exp(theta[-2])), float(np.exp(2 * (_NOISE + _NOISE_SPREAD * theta[-1])))


def _kernel(x: Array, y: Array, lengths: Array, size: float) -> Array:
    """Covariances (n, m) of the function."""
    a, b = x / lengths, y / lengths
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    r = np.sqrt(5.0 * np.maximum(square, 0.0))
    return np.asarray(size * (1 + r + r**2 / 3) * np.exp(-r))


def _factor(theta: Array, points: Array) -> Array:
    lengths, size, noise = _scales(theta)
    covariance = _kernel(points, points, lengths, size) + _OFFSET
    covariance[np.diag_indices_from(covariance)] += noise + _JITTER
    return np.asarray(linalg.cholesky(covariance, lower=True, check_finite=False))


def _likelihood(theta: Array, points: Array, values: Array) -> float:
    factor = _factor(theta, points)
    whitened = linalg.solve_triangular(factor, values, lower=True, check_finite=False)
    return float(-0.5 * whitened @ whitened - np.log(np.diag(factor)).sum())


def _difference(
    theta: Array, points: Array, values: Array, slices: Array, origin: Array
) -> tuple[Array, Array]:
    """Mean and standard deviation of the function at each slice less that at the origin, (q,) each."""
    lengths, size, _ = _scales(theta)
    factor = _factor(theta, points)
    start = origin[None]
    across = _kernel(points, slices, lengths, size) - _kernel(points, start, lengths, size)
    solved = linalg.solve_triangular(
        factor, np.column_stack([values, across]), lower=True, check_finite=False
    )
    mean = solved[:, 1:].T @ solved[:, 0]
    variance = 2 * size - 2 * _kernel(slices, start, lengths, size)[:, 0] - (solved[:, 1:] ** 2).sum(axis=0)
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _path(theta: Array, points: Array, values: Array, places: Array, rng: np.random.Generator) -> Array:
    """A function drawn from the posterior at some places (q, d), but for a constant.

    One drawn before anything was seen, of random Fourier features, is corrected by what was (Wilson et al.
    2020, ICML).
    """
    lengths, size, noise = _scales(theta)
    d = points.shape[1]
    frequencies = rng.normal(size=(d, _FEATURES)) / np.sqrt(rng.chisquare(5, size=_FEATURES) / 5)
    phases, weights = rng.uniform(0, 2 * np.pi, _FEATURES), rng.normal(size=_FEATURES)

    def before(x: Array) -> Array:
        waves = np.cos((x / lengths) @ frequencies + phases)
        return np.asarray(np.sqrt(2 * size / _FEATURES) * waves @ weights)

    seen = before(points) + np.sqrt(_OFFSET) * rng.normal() + np.sqrt(noise) * rng.normal(size=len(points))
    left = linalg.cho_solve((_factor(theta, points), True), values - seen, check_finite=False)
    return before(places) + _kernel(places, points, lengths, size) @ left
