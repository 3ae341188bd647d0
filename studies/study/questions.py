"""Settings are compared where they answer one question."""

from __future__ import annotations

from dgm_core import ConfigurationError, Setup
from dgm_core.formulation.questions import same_question


def check_one_question(study: str, base: Setup, other: Setup, key: str) -> None:
    """Refuses to compare errors whose references differ.  Raises ConfigurationError.

    other: the base with `key` changed.
    """
    if not same_question(base.problem, other.problem):
        raise ConfigurationError(
            f"{key} is not allowed in {study}: it changes the solution of {base.problem.name}, so that "
            "errors would answer different questions; run a study for each value (`--set`)."
        )
