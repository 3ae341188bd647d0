"""The interval of a median of few values, for the runner and the analysis alike."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import scipy  # whose parts are loaded at their first use

from studies.records.reduction import median, ranked


def median_interval(values: Iterable[float | None], confidence: float = 0.95) -> tuple[float, float, float]:
    """Median of `values` (n,) and its exact interval: (median, low, high), in their unit.

    The interval runs from the k-th smallest to the k-th largest value, with the largest k that still
    covers the population's median with at least `confidence`.  It assumes independent values of one
    continuous distribution and nothing about its shape (Thompson 1936, Ann. Math. Stat. 7:122; David
    and Nagaraja 2003, Order Statistics, 7.1).  Fewer than six values cannot reach 95 %: then it is their
    range, and `median_coverage` says what that covers (93.75 % for five).  A percentile bootstrap
    claims 95 % and covers 93 % at n = 5 and 94 % at n = 6 and 10 (simulated, normal values).

    NaN and None are diverged replicates and count as the worst value, infinity; a median or an end of the
    interval is infinite when enough of them are.  One value has no interval (NaN), none has no median.
    """
    ordered = np.sort(ranked(values))
    n = len(ordered)
    if n == 0:
        return math.nan, math.nan, math.nan
    middle = float(median(ordered))
    if n == 1:
        return middle, math.nan, math.nan
    k = order_rank(n, confidence)
    return middle, float(ordered[k - 1]), float(ordered[n - k])


def median_coverage(n: int, confidence: float = 0.95) -> float:
    """Probability that `median_interval` of n values covers the median.

    1 - 2 P(B < k), B binomial(n, 1/2): 0.875 for n = 4, 0.9375 for 5, 0.96875 for 6, 0.979 for 10.
    """
    return 0.0 if n < 2 else 1.0 - 2.0 * float(scipy.special.bdtr(order_rank(n, confidence) - 1, n, 0.5))


def confirmed(errors: Iterable[float | None]) -> dict[str, float | int | None]:
    """What a headline says of the errors of n replicates: median, low, high (95 %), n, diverged.

    NaN, None and infinity are diverged replicates.  An infinite or undefined number is None, which JSON can
    hold: with `diverged` above 0 it means "worse than any number".
    """
    scores = ranked(errors)
    middle, low, high = (value if math.isfinite(value) else None for value in median_interval(scores))
    diverged = int(np.isinf(scores).sum())
    return {"median": middle, "low": low, "high": high, "n": len(scores), "diverged": diverged}


LEVEL = 0.05
"""Of all tests and intervals."""


def open_still(errors: Iterable[float | None], baseline: Iterable[float | None], looks: int) -> bool:
    """Whether errors of shared seeds leave open which of two settings is better, at one of some looks.

    The interval of the median ratio (see `median_interval`) covers with 1 − 5 % / looks, and holds 1.  Two
    that diverged at a seed are equal there.
    """
    pairs = zip(ranked(errors), ranked(baseline), strict=True)
    ratios = [1.0 if error == base else error / base if base > 0 else math.inf for error, base in pairs]
    confidence = 1.0 - LEVEL / looks
    if median_coverage(len(ratios), confidence) < confidence:
        return True
    _, low, high = median_interval(ratios, confidence)
    return low <= 1.0 <= high


def order_rank(n: int, confidence: float = 0.95) -> int:
    """Largest k for which the k-th smallest to the k-th largest of n cover the median; at least 1."""
    ranks = np.arange(1, n // 2 + 1)
    kept = ranks[1.0 - 2.0 * scipy.special.bdtr(ranks - 1, n, 0.5) >= confidence]
    return int(kept[-1]) if len(kept) else 1
