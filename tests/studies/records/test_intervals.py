"""The exact interval of a median, which the runner and the analysis share."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from studies.records.intervals import confirmed, median_coverage, median_interval, open_still

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


@pytest.mark.parametrize("looks", [1, 3])
def test_looks_with_more_seeds_each_time_err_no_more_often_than_one(looks: int) -> None:
    """Two settings of one distribution: at most 5 % of 1000 comparisons ever close, but for chance."""
    rng = np.random.default_rng(3)
    ours, theirs = np.exp(rng.normal(0.0, 0.4, (2, 1000, 8 * looks)))
    wrong = [
        any(not open_still(a[: 8 * k], b[: 8 * k], looks) for k in range(1, looks + 1))
        for a, b in zip(ours, theirs, strict=True)
    ]
    assert sum(wrong) / len(wrong) < 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


def test_what_is_plain_is_closed_and_what_has_too_few_seeds_stays_open() -> None:
    assert not open_still([1.0] * 8, [2.0] * 8, 2)
    assert open_still([1.0] * 6, [2.0] * 6, 2)
    assert not open_still([1.0] * 6, [2.0] * 6, 1)
    assert open_still([None] * 8, [None] * 8, 1)
    assert not open_still([None] * 8, [1.0] * 8, 1)
