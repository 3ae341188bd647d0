"""What a training minimises in the interior, and which settings go with an energy, in sentences."""

from __future__ import annotations

from typing import Any

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import Dirichlet, Periodic, Problem
from dgm_core.formulation.terms import INTERIOR

ENERGY = "energy"
FORMULATIONS = ("residual", ENERGY)
"""The squared residual of the equation, or the density of the problem's energy."""


def check_formulation(problem: Problem, config: Any) -> None:
    """Refuses what cannot be trained by an energy.  Raises ConfigurationError."""
    if config.formulation != ENERGY:
        return
    start = f"formulation = {ENERGY!r} is not allowed"
    if not problem.gives_energy:
        raise ConfigurationError(
            f"{start}: {problem.name} gives no energy; one with a minimum principle has a method `energy`."
        )
    for term in problem.terms:
        if term != INTERIOR and term not in problem.conditions:
            raise ConfigurationError(
                f"{start}: the term {term!r} of {problem.name} is none of its `conditions`; beside an energy "
                "these are trained, and no `residuals` of its own."
            )
    for term, (_, condition) in problem.conditions.items():
        if not isinstance(condition, Dirichlet | Periodic):
            raise ConfigurationError(
                f"{start}: the condition {term!r} of {problem.name} is {type(condition).__name__}, and an "
                "energy is least among fields with given boundary values; all must be Dirichlet or Periodic."
            )
    if type(problem).trained():
        raise ConfigurationError(
            f"{start}: {problem.name} has trained constants, which would lower the energy itself."
        )
    reasons = {
        "term_scaling": (config.term_scaling != "none", "an energy has not the size of a residual"),
        "last_layer": (config.last_layer != "random", "it solves for small residuals"),
        "balancing": (config.balancing != "none", "it compares terms that are squares"),
        "adaptation": (config.adaptation != "none", "an integral needs points that are spread evenly"),
        "causality": (config.causality > 0, "its weights would change the integral"),
        "windows": (config.windows > 1, "an energy belongs to the whole domain"),
    }
    for key, (there, reason) in reasons.items():
        if there:
            raise ConfigurationError(f"{start} with {key} = {getattr(config, key)!r}: {reason}.")
