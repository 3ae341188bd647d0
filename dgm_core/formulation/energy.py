"""Energies: integrals that a solution makes as small as its boundary values allow."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.conditions import joined
from dgm_core.formulation.domains import Domain
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.terms import INTERIOR

_POINTS = 1024
_TOLERANCE = 0.1
"""Share of its mean size at a point that an energy's first variation may have: the quadrature's error."""
_MOST_AXES = 6
"""With more the boundary is near everywhere, and a quadrature of few points tells too little."""


class Energy(NamedTuple):
    """The density ½ |q|² + r of an energy, at points (K, n, d).

    For −Δu = f it is ½ |∇u|² − f u: `Energy(y.gradient(), -f * y.value)`.

    quadratic: q, (K, n, c), or a tuple of components (K, n, 1), linear in the field and its derivatives.
    ∫ q(v)·q(w) is the inner product of the energy natural gradient.  rest: r, (K, n, 1) or a number, in which
    the metric has no part.

    Source: E and Yu (2018), "The Deep Ritz method"; Müller and Zeinhofer (2023), "Achieving High Accuracy
    with PINNs via Energy Natural Gradient Descent".
    """

    quadratic: Tensor
    rest: Tensor

    @property
    def density(self) -> Tensor:
        """½ |q|² + r, (K, n, 1)."""
        return 0.5 * self.quadratic.square().sum(dim=-1, keepdim=True) + self.rest

    @classmethod
    def of(cls, given: Any, value: Tensor) -> Any:
        """What a problem's `energy` returned, its tuples and numbers as tensors; else what it is.

        value: of the field, (K, n, q), what a number is spread over.
        """
        if not isinstance(given, cls):
            return given
        rest = (given.rest,) if isinstance(given.rest, Number) else given.rest
        return cls(joined(given.quadratic, value), joined(rest, value))


class Energetic(Protocol):
    """What the check reads of a problem."""

    name: ClassVar[str]

    @property
    def domain(self) -> Domain: ...
    @property
    def reference_kind(self) -> str: ...
    def energies(self, u: Field, points: Mapping[str, Tensor]) -> dict[str, Any]: ...
    def reference(self, x: Tensor) -> Tensor: ...


def check_energy(problem: Energetic) -> None:
    """Refuses an energy of the wrong shape, and one that is not least at an exact reference u.

    A field v that vanishes on the boundary is added and subtracted.  At the minimum E(u + v) − E(u − v) is
    zero, but for the quadrature, and E(u + v) + E(u − v) − 2 E(u) is positive.  In many dimensions this
    is not looked at.  Raises ConfigurationError.
    """
    x = sobol_points(problem.domain.interior, _POINTS)[None]
    parts = tuple(problem.domain.parts.values())

    def beside(x: Tensor) -> Tensor:
        """The distance from the boundary, bent so that it has no symmetry."""
        distance = torch.stack([part.distance(x) for part in parts]).amin(dim=0)[..., None]
        return distance * (1.0 + 0.3 * torch.sin(x.sum(dim=-1, keepdim=True)))

    def density(sign: float) -> Tensor:
        with torch.enable_grad():
            energy = problem.energies(
                lambda x: start(x) + (sign * beside(x) if sign else 0.0), {INTERIOR: x}
            )[INTERIOR]
        if not isinstance(energy, Energy):
            raise ConfigurationError(
                f"the energy of {problem.name} is a {type(energy).__name__}: `energy` must return "
                "Energy(quadratic, rest)."
            )
        _check_shapes(problem.name, energy, len(x[0]))
        return energy.density.detach()

    exact = problem.reference_kind == "exact" and x.shape[2] <= _MOST_AXES
    start: Field = problem.reference if exact else lambda x: torch.zeros_like(x[..., :1])
    at = density(0.0)
    if not exact:
        return
    over, under = density(1.0), density(-1.0)
    more, slope = (over + under - 2.0 * at).mean(), over - under
    if not more > 0.0:
        raise ConfigurationError(
            f"the energy of {problem.name} is not least at the reference: fields beside it have less, by "
            f"{-more / 2.0:.1e} in the mean."
        )
    off, allowed = slope.mean().abs(), _TOLERANCE * slope.abs().mean()
    if not off <= allowed:
        raise ConfigurationError(
            f"the energy of {problem.name} does not belong to its reference: there its first variation is "
            f"{off:.1e}, where {allowed:.1e} is allowed."
        )


def _check_shapes(name: str, energy: Energy, points: int) -> None:
    for part, tensor, last in (("quadratic", energy.quadratic, None), ("rest", energy.rest, 1)):
        if not isinstance(tensor, Tensor):
            raise ConfigurationError(
                f"the {part} part of the energy of {name} must be a tensor: it is a {type(tensor).__name__}."
            )
        shape = tuple(tensor.shape)
        if len(shape) != 3 or shape[:2] != (1, points) or (last is not None and shape[2] != last):
            raise ConfigurationError(
                f"the {part} part of the energy of {name} has the shape {shape} at points "
                f"(1, {points}, d): it must be (1, {points}, {'c' if last is None else last})."
            )
