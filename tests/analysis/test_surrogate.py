"""The process behind fANOVA and flatness: its draws."""

from __future__ import annotations

import numpy as np

from analysis.surrogate import Surrogate


def test_neighbouring_draws_differ_so_that_their_spread_is_that_of_the_posterior() -> None:
    """Steps of slice sampling hardly move: each kept, the draws had a correlation of 0.8 with the next, and
    intervals were too narrow."""
    rng = np.random.default_rng(0)
    correlations = []
    for _ in range(6):
        points = rng.uniform(size=(40, 3))
        values = np.sin(5 * points[:, 0]) + points[:, 1] ** 2 + 0.1 * rng.normal(size=40)
        draws = np.array(Surrogate(points, values, rng, draws=200)._draws)
        away = draws - draws.mean(axis=0)
        correlations.append((away[1:] * away[:-1]).mean(axis=0) / (away**2).mean(axis=0))
    assert np.mean(correlations) < 0.6
