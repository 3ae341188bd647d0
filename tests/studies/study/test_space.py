"""Values of a distribution that come from elsewhere than its sampler."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from studies.study.priors import Prior
from studies.study.space import PowersOfTwo, nearest


@pytest.mark.parametrize(
    ("distribution", "value", "expected"),
    [
        (FloatDistribution(0.1, 0.3, step=0.1), 0.3, 0.3),  # 0.1 + 2 · 0.1 is above it
        (FloatDistribution(0.1, 0.3, step=0.1), 0.7, 0.3),
        (FloatDistribution(0.0, 0.9, step=0.3), 0.4, 0.3),
        (IntDistribution(1, 9, step=4), 7, 9),
        (PowersOfTwo(8, 64), 50, 64),
    ],
)
def test_the_nearest_value_is_in_the_range(
    distribution: BaseDistribution, value: float, expected: float
) -> None:
    assert nearest(distribution, value) == expected


def test_a_draw_from_a_prior_at_the_end_of_the_range_is_a_value_of_it() -> None:
    distribution = FloatDistribution(0.1, 0.3, step=0.1)
    draws = {Prior(0.3, 0.05).draw(distribution, np.random.default_rng(k)) for k in range(20)}
    assert max(draws) == 0.3
    assert min(draws) >= 0.1
