"""The exact interval of a median, which the runner and the analysis share."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from studies.records.intervals import confirmed, median_coverage, median_interval

INF = math.inf


def test_five_values_have_their_range() -> None:
    assert median_interval([3.0, 1.0, 2.0, 5.0, 4.0]) == (3.0, 1.0, 5.0)


def test_more_values_leave_out_the_ends() -> None:
    # n = 9: 1 - 2 P(B ≤ 1) = 1 - 2 × 10 / 512 = 0.961, so the second to the eighth of nine.
    assert median_interval(range(1, 10)) == (5.0, 2.0, 8.0)
    assert median_interval(range(1, 9)) == (4.5, 1.0, 8.0)


@pytest.mark.parametrize(("n", "coverage"), [(2, 0.5), (4, 0.875), (5, 0.9375), (6, 0.96875), (9, 0.9609375)])
def test_coverage_by_hand(n: int, coverage: float) -> None:
    assert median_coverage(n) == pytest.approx(coverage)


@pytest.mark.parametrize("n", [5, 6, 10])
def test_coverage_by_simulation(n: int) -> None:
    samples = np.random.default_rng(n).lognormal(sigma=2.0, size=(2500, n))
    hits = np.mean([low <= 1.0 <= high for _, low, high in map(median_interval, samples)])
    assert hits == pytest.approx(median_coverage(n), abs=0.018)


def test_diverged_replicates_are_the_worst_values() -> None:
    assert median_interval([1.0, 2.0, 3.0, math.nan, None]) == (3.0, 1.0, INF)
    assert median_interval([1.0, INF, INF]) == (INF, 1.0, INF)
    assert median_interval([1.0, INF])[0] == INF


def test_too_few_values_have_no_interval() -> None:
    assert all(math.isnan(value) for value in median_interval([]))
    median, low, high = median_interval([2.0])
    assert median == 2.0
    assert math.isnan(low)
    assert math.isnan(high)


def test_confirmed_is_plain_json() -> None:
    found = confirmed([1.0, 2.0, math.nan, 4.0, 3.0])
    assert found == {"median": 3.0, "low": 1.0, "high": None, "n": 5, "diverged": 1}
    json.dumps(found, allow_nan=False)
    assert confirmed([]) == {"median": None, "low": None, "high": None, "n": 0, "diverged": 0}
