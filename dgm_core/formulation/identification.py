"""Whether equation, conditions and data determine the trained constants: said in a sentence where not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dgm_core.calculus import Field
from dgm_core.errors import listed
from dgm_core.formulation.determination import determination

_LEAST = 1e-3
"""Share of a wrong field's residuals that a change of the constants by their own sizes must leave."""
_PART = 0.1
"""Of a direction of length one: constants with less of it are determined."""


def unidentified(
    problem: Any, around: Field | None = None, constants: Mapping[str, float] | None = None
) -> str | None:
    """Which constants can be changed while the solution adapts itself and no term notices; None where all
    are determined, or nothing can be said.

    around, constants: where the terms are linearised (see `determination`).
    """
    if not type(problem).trained():
        return None
    known = determination(problem, around=around, constants=constants)
    if known is None or known.constants > _LEAST:
        return None
    sign = max(known.direction.values(), key=abs)
    moved = {name: share / sign for name, share in known.direction.items() if abs(share) > _PART}
    names = list(moved)
    if len(names) == 1:
        return (
            f"The constant {names[0]} of {problem.name} is not determined: it can change by its own size, "
            "and no term notices."
        )
    together = ", ".join(f"{name} by {share:+.2g} %" for name, share in moved.items())
    return (
        f"The constants {listed(names)} of {problem.name} are not determined, only a combination of "
        f"them: when they change together ({together}) no term notices."
    )
