"""Whether a training has determined the constants that it trained."""

from __future__ import annotations

import math

from torch import Tensor

from dgm_core.formulation.identification import unidentified
from dgm_core.training.solution import Solution

_SPREAD = 1.0
"""Range of a constant over the replicates, relative to its median, that is no agreement."""


def unidentified_notes(solution: Solution) -> tuple[str, ...]:
    """A sentence where the terms do not depend on a constant, or on a combination of several, at the trained
    solution, and one for each constant on which the replicates do not agree."""
    problem = solution.setup.problem
    constants = solution.constants()
    if not constants or not problem.well_posed or solution.setup.config.windows > 1:
        return ()
    finite = [k for k in range(len(solution.seeds)) if all(math.isfinite(v[k]) for v in constants.values())]
    if not finite:
        return ()
    piece = solution.replicate(0, finite[0]).cpu().eval()

    def around(x: Tensor) -> Tensor:
        return piece(x.reshape(1, -1, x.shape[-1])).reshape(*x.shape[:-1], -1)

    said = unidentified(problem, around, {name: values[finite[0]] for name, values in constants.items()})
    if said is not None:
        return (said,)
    notes = []
    for name, values in constants.items():
        known = sorted(values[k] for k in finite)
        middle = abs(known[(len(known) - 1) // 2])
        if len(known) > 1 and known[-1] - known[0] > _SPREAD * middle:
            notes.append(
                f"The replicates do not agree on the constant {name} of {problem.name}, from {known[0]:.3g} "
                f"to {known[-1]:.3g}: the data hardly determine it, or a longer training is needed."
            )
    return tuple(notes)
