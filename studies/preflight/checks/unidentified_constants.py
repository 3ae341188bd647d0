"""Trained constants that nothing determines."""

from __future__ import annotations

from collections.abc import Iterator

from dgm_core.formulation.identification import unidentified
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    told = unidentified(problem) if problem.well_posed else None
    if told is not None:
        yield (
            "warning",
            told,
            "Replicates end at any of their values, and the interval over them says nothing.",
            "Add data or a condition that depends on them, or fix one; `well_posed = False` in the class "
            "says that this is intended.",
        )


UNIDENTIFIED_CONSTANTS = Check(
    "unidentified-constants", "trained constants that nothing determines", _examine
)
