"""Statistics against hand-computed values, textbook examples and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis import statistics as st

INF = math.inf


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_interquartile_mean_drops_a_quarter_at_each_end() -> None:
    assert st.iqm([1, 2, 3, 4, 5, 6, 7, 100]) == pytest.approx(4.5)
    assert st.iqm([5.0, 1.0, 3.0, 2.0, 1e9]) == pytest.approx(10 / 3)
    values = rng().normal(size=23)
    assert st.iqm(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_interquartile_mean_with_diverged_replicates() -> None:
    assert st.iqm([1.0, 2.0, 3.0, 4.0, INF]) == pytest.approx(3.0)
    assert st.iqm([1.0, 2.0, 3.0, INF, INF]) == INF


def test_log10_of_zero_and_of_a_diverged_error() -> None:
    assert st.log10([0.0, 1e-3, INF]).tolist() == [-INF, -3.0, INF]


def test_bootstrap_agrees_with_scipy() -> None:
    values = rng(1).normal(size=12)
    own = st.bootstrap(values, st.iqm, rng=rng(2), resamples=20_000)
    known = stats.bootstrap(
        (values,), st.iqm, method="percentile", n_resamples=20_000, vectorized=True, rng=rng(3)
    ).confidence_interval
    assert own.low == pytest.approx(known.low, abs=0.03)
    assert own.high == pytest.approx(known.high, abs=0.03)


def test_bootstrap_is_reproducible_and_depends_on_its_generator() -> None:
    values = rng(1).normal(size=9)
    assert st.bootstrap(values, st.iqm, rng=rng(5)) == st.bootstrap(values, st.iqm, rng=rng(5))
    assert st.bootstrap(values, st.iqm, rng=rng(5)) != st.bootstrap(values, st.iqm, rng=rng(6))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (math.nan, math.nan, math.nan)),
        ([2.0], (2.0, math.nan, math.nan)),
        ([3.0, 3.0, 3.0, 3.0], (3.0, 3.0, 3.0)),
        ([INF, INF, INF], (INF, INF, INF)),
    ],
)
def test_bootstrap_of_degenerate_data(values: list[float], expected: tuple[float, ...]) -> None:
    assert st.bootstrap(values, st.iqm, rng=rng()) == pytest.approx(expected, nan_ok=True)


def test_a_diverged_replicate_makes_the_upper_end_infinite() -> None:
    point, low, high = st.bootstrap([1.0, 2.0, 3.0, 4.0, INF], st.iqm, rng=rng())
    assert point == pytest.approx(3.0)
    assert low >= 1.0
    assert high == INF


def test_strata_are_resampled_apart() -> None:
    # Within each task all runs agree: resampling within tasks gives no spread, pooling would.
    constant = st.stratified_bootstrap([[1.0, 1.0, 1.0], [9.0, 9.0, 9.0]], np.mean, rng=rng())
    assert constant == (5.0, 5.0, 5.0)
    ragged = st.stratified_bootstrap([[1.0, 2.0], [3.0, 4.0, 5.0]], st.iqm, rng=rng())
    assert ragged.point == pytest.approx(3.0)
    assert 1.0 < ragged.low < ragged.point < ragged.high < 5.0


def test_bootstrap_covers_as_its_docstring_says() -> None:
    generator = rng(7)
    hits = 0
    for _ in range(400):
        found = st.bootstrap(generator.normal(size=20), st.iqm, rng=generator, resamples=400)
        hits += found.low <= 0.0 <= found.high
    assert 0.91 <= hits / 400 <= 0.98


def test_paired_ratio_is_the_median_of_ratios() -> None:
    base = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    found = st.paired_difference(base * [0.5, 0.25, 0.5, 0.1, 0.5], base, rng=rng())
    assert found.ratio == pytest.approx((0.5, 0.1, 0.5))
    assert found.n == 5
    logs = np.log10([0.5, 0.25, 0.5, 0.1, 0.5])
    assert found.test == "paired t"
    assert found.p == pytest.approx(stats.ttest_1samp(logs, 0).pvalue)
    assert found.p_exact == pytest.approx(2 / 32)  # all of one sign: two of 2⁵ sign flips


def test_signed_rank_agrees_with_scipy() -> None:
    differences = np.array([0.3, -0.1, 0.7, 0.4, 0.2, -0.5, 0.9, 1.1])
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert st.signed_rank_p(differences, rng=rng()) == pytest.approx(expected)


def test_paired_difference_with_diverged_replicates() -> None:
    base = [1e-3, 2e-3, 1e-3, 3e-3, 2e-3]
    found = st.paired_difference([1e-2, 2e-2, 1e-2, INF, INF], base, rng=rng())
    assert found.test == "signed rank"
    assert found.ratio.point == pytest.approx(10.0)
    assert found.ratio.high == INF
    assert found.p == found.p_exact == pytest.approx(2 / 32)
    tie = st.paired_difference([INF, 1e-3], [INF, 1e-3], rng=rng())
    assert tie.ratio.point == 1.0
    assert tie.p == 1.0


def test_the_smallest_exact_p_is_two_flips_in_two_to_the_n() -> None:
    for n in range(2, 9):
        assert st.signed_rank_p(np.arange(1.0, n + 1), rng=rng()) == pytest.approx(2.0 ** (1 - n))
    assert st.signed_rank_p([5.0], rng=rng()) == 1.0


def test_exact_test_keeps_its_size() -> None:
    generator = rng(11)
    p = [st.signed_rank_p(generator.laplace(size=7), rng=generator) for _ in range(300)]
    assert np.mean(np.array(p) <= 0.05) <= 0.08


def test_probability_of_improvement_counts_pairs() -> None:
    # 3 of 4 pairs better, one tie: (3 + 0.5) / 4 with errors {1, 2} against {2, 3}.
    found = st.probability_of_improvement([1.0, 2.0], [2.0, 3.0])
    assert found.point == pytest.approx(3.5 / 4)
    assert 0.0 < found.low < found.point < found.high < 1.0


def test_separated_samples_keep_some_doubt() -> None:
    better = st.probability_of_improvement([1.0] * 5, [2.0] * 5)
    assert better.point == better.high == 1.0
    assert better.low == pytest.approx(0.64, abs=0.02)
    worse = st.probability_of_improvement([INF] * 5, [2.0] * 5)
    assert worse.point == worse.low == 0.0
    assert worse.high == pytest.approx(1 - better.low)


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_probability_of_improvement_covers(shift: float) -> None:
    generator = rng(3)
    truth = stats.norm.cdf(shift / math.sqrt(2))
    hits = 0
    for _ in range(500):
        found = st.probability_of_improvement(generator.normal(size=5), generator.normal(shift, size=5))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 500 <= 0.99


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling: 0.02, 0.03, 0.06, 0.06.
    assert st.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert st.holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert st.holm([0.01, math.nan, 0.02]) == pytest.approx([0.02, math.nan, 0.02], nan_ok=True)


def test_rate_has_wilsons_interval() -> None:
    # Wilson's formula by hand for 1 of 5 and z = 1.959964: centre 0.3302, half width 0.2940.
    assert st.rate(1, 5) == pytest.approx((0.2, 0.0362, 0.6245), abs=1e-4)
    none = st.rate(0, 5)
    assert none.low == 0.0
    assert none.high == pytest.approx(0.4345, abs=1e-4)
    assert math.isnan(st.rate(0, 0).point)
    for n in range(1, 30):
        for count in range(n + 1):
            expected = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
            found = st.rate(count, n)
            assert found == pytest.approx((count / n, expected.low, expected.high), abs=1e-12)


def test_rank_correlation_by_hand_and_with_infinities() -> None:
    # Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6 × 4 / (5 × 24) = 0.8.
    assert st.rank_correlation([1, 2, 3, 4, 5], [20, 10, 40, 30, 50]).point == pytest.approx(0.8)
    assert st.rank_correlation([1, 2, 3, INF], [1e-3, 1e-2, INF, INF]).point > 0.9
    assert st.rank_correlation([1, 2, 3], [3, 2, 1]).point == -1.0
    assert math.isnan(st.rank_correlation([1, 1, 1], [1, 2, 3]).point)
    assert math.isnan(st.rank_correlation([1, 2], [1, 2]).point)


def test_rank_correlation_interval_covers() -> None:
    generator = rng(4)
    truth = 6 / math.pi * math.asin(0.25)  # Spearman's rho of a normal pair with correlation 1/2
    hits = 0
    for _ in range(500):
        x = generator.normal(size=20)
        y = 0.5 * x + math.sqrt(0.75) * generator.normal(size=20)
        found = st.rank_correlation(x, y)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 500 <= 0.98
