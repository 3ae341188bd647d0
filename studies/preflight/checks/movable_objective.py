"""An objective that a searched setting changes by itself."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dgm_core.training.setup import PROBLEM_PREFIX
from studies.preflight.finding import Check, Level
from studies.preflight.question import Question


def _examine(question: Question) -> Iterator[tuple[Level, str, str, str]]:
    problem = question.base.problem
    for label, setup in question.setups.items():
        changed = {
            key: value
            for key, value in setup.problem.parameters().items()
            if value != problem.parameters()[key]
        }
        if not changed:
            continue
        keys = ", ".join(f"{PROBLEM_PREFIX}{key}" for key in changed)
        if problem.reference_kind == "none":
            yield (
                "error",
                f"With {label} the residual that ranks trials belongs to another equation ({keys}).",
                "Residuals of different equations cannot be compared.",
                f"Take {keys} out of what is varied, or give the problem a reference.",
            )
            return
        points = problem.evaluation_points()
        same = setup.problem.evaluation_points()
        if points.shape != same.shape or not torch.equal(
            problem.reference(points), setup.problem.reference(points)
        ):
            yield (
                "warning",
                f"With {label} the solution is another one ({keys}).",
                "Its errors are those of another question: one equation may be easier than the other.",
                f"Read the result as one about both, or take {keys} out of what is varied.",
            )
            return


MOVABLE_OBJECTIVE = Check("movable-objective", "an objective that a varied setting changes", _examine)
