"""Rungs that no trial passes, and trials that report once."""

from __future__ import annotations

from collections.abc import Iterator

from optuna.distributions import IntDistribution

from studies.preflight.finding import Check, Level
from studies.preflight.question import Question
from studies.records.words import count


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    search = question.search
    if search is None or search.early_stopping == "none" or search.scheduler == "fifo":
        return
    if not search.rungs:
        none = "scheduler = 'fifo'" if search.order == "arrival" else "early_stopping = 'none'"
        yield (
            "warning",
            f"No trial is longer than grace_period, {count(search.grace_period, 'iteration')}.",
            "Early stopping looks at none of them: all are trained to their ends.",
            f"Lower grace_period, or say {none}.",
        )
        return
    space = search.space.get("iterations")
    shortest = space.low if isinstance(space, IntDistribution) else search.base.config.iterations
    if shortest <= search.rungs[0]:
        yield (
            "warning",
            f"A trial of {count(shortest, 'iteration')} ends at or before the first rung, {search.rungs[0]}.",
            "It reports once and early stopping never looks at it.",
            "Lower grace_period, or raise the least number of iterations.",
        )


EARLY_STOPPING = Check("early-stopping", "trials that early stopping never looks at", _examine)
