"""Fewer seeds than it takes to tell apart what is asked."""

from __future__ import annotations

from collections.abc import Iterator

from studies.preflight.finding import Check, Level
from studies.preflight.question import Question
from studies.records.intervals import median_coverage
from studies.records.words import count, counted

_LEVEL = 0.05
_COVERAGE = 0.95


def least_p(seeds: int) -> float:
    """The smallest two-sided p that the signed-rank test over so many pairs of seeds can give."""
    return min(1.0, 2.0 ** (1 - seeds))


def seeds_needed(comparisons: int) -> int:
    """The fewest pairs of seeds with which one of so many comparisons can fall below 5 % after Holm."""
    seeds = 1
    while least_p(seeds) * comparisons > _LEVEL:
        seeds += 1
    return seeds


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    if question.ablation is not None:
        study = question.ablation
        comparisons = len(study.arms) - 1
        least = min(1.0, least_p(study.replicates) * comparisons)
        if least > _LEVEL:
            yield (
                "warning",
                f"{counted(study.replicates, 'seed')} and {counted(comparisons, 'comparison')} with the "
                f"baseline: the signed-rank test cannot give an adjusted p below {least:.2g}.",
                "Whether an arm is better or worse then rests on the t-test alone, which assumes normal "
                "differences of log error and cannot be used where a seed diverges.",
                f"Use --replicates {seeds_needed(comparisons)} or more, or fewer arms.",
            )
    if question.search is not None and median_coverage(question.search.confirmations) < _COVERAGE:
        n = question.search.confirmations
        yield (
            "warning",
            f"The winner is confirmed on {count(n, 'seed')}.",
            f"Even their whole range covers the median with {100 * median_coverage(n):.1f} % only."
            if n > 1
            else "One seed has no interval.",
            "Use six confirmations or more.",
        )


FEW_SEEDS = Check("few-seeds", "fewer seeds than the question needs", _examine)
