"""Whether a field with hard conditions satisfies them."""

from __future__ import annotations

from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.probing.probed import SLIP, Points, Probed, Waves, residuals_of


def check_hard(problem: Probed, points: Points) -> None:
    """Refuses a `constrain` of the wrong shape, and one that does not satisfy the hard terms."""
    if not problem.hard_terms:
        return
    waves, outputs = Waves(problem), len(problem.outputs)

    def field(x: Tensor) -> Tensor:
        values = problem.constrain(x, waves(x))
        if tuple(values.shape) != (*x.shape[:-1], outputs):
            raise ConfigurationError(
                f"`constrain` of {problem.name} gives the shape {tuple(values.shape)} at points "
                f"{tuple(x.shape)}: it must be {(*x.shape[:-1], outputs)}; {SLIP}."
            )
        return values

    unknown = [term for term in problem.hard_terms if term not in problem.terms]
    if unknown:
        raise ConfigurationError(f"the hard term {unknown[0]!r} of {problem.name} is not one of its terms.")
    hard, free = (
        residuals_of(problem, field, points),
        residuals_of(problem, Waves(problem, periodic=False), points),
    )
    for term in problem.hard_terms:
        for part, other in zip(hard[term], free[term], strict=True):
            size, scale = (
                part.abs().max().item(),
                max(other.abs().max().item(), part.abs().max().item() * 1e-3),
            )
            if not size <= 1e-6 * scale:
                raise ConfigurationError(
                    f"`constrain` of {problem.name} does not satisfy its hard term {term!r}: for a "
                    f"network that is a wave the residual is {size:.1e}, and of the wave itself {scale:.1e}."
                )
