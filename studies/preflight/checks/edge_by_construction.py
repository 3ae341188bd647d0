"""A setting whose best value lies at the edge of its range whatever the truth is."""

from __future__ import annotations

from collections.abc import Iterator

from studies.preflight.finding import Check, Level
from studies.preflight.question import Question

_MORE_IS_BETTER = ("iterations", "polish_iterations")


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    if question.search is None:
        return
    for key in _MORE_IS_BETTER:
        if key in question.search.space:
            yield (
                "note",
                f"{key} is searched, and more of them seldom make an error larger.",
                "Expect the winner near the upper end: that says what the budget allows, not what is best.",
                f"Fix it by --set {key}=N to learn about the other settings at one cost.",
            )


EDGE_BY_CONSTRUCTION = Check("edge-by-construction", "a best value at the edge of its range", _examine)
