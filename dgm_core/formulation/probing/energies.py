"""Whether an energy has a least value, at the reference where there is an exact one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Protocol

import torch
from torch import Tensor

from dgm_core.calculus import Field
from dgm_core.errors import ConfigurationError
from dgm_core.formulation.domains import Domain
from dgm_core.formulation.energy import Energy
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.probing.functions import check_reads, check_repeats
from dgm_core.formulation.probing.gradients import check_gradients
from dgm_core.formulation.probing.probed import Points, Probed, Residuals, uncomputable
from dgm_core.formulation.terms import INTERIOR

_POINTS = 1024
_FEW = 8
"""In many dimensions, where a distance from the boundary takes long, and a sign is all that is asked."""
_TOLERANCE = 0.1
"""Share of its mean size at a point that an energy's first variation may have: the quadrature's error."""
_MOST_AXES = 6
"""With more the boundary is near everywhere, and a quadrature of few points tells too little."""
_SIZES = (1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
"""Of fields along which an energy may fall without end."""
_FALLS = 5.0
"""How many times as much as over the decade before it falls then: ten times if it is linear in the field."""
_WAVENUMBERS = (0.0, 3.0, 20.0)


class Energetic(Probed, Protocol):
    """What the check reads of a problem."""

    @property
    def domain(self) -> Domain: ...
    def energies(self, u: Field, points: Points) -> dict[str, Any]: ...


def check_energy(problem: Energetic) -> None:
    """Refuses an energy of the wrong shape, one that is no function of the field (as for residuals), one that
    falls without end, and one that is not least at an exact reference.  Raises ConfigurationError.

    Not looked at in many dimensions: whether it is least at the reference.
    """
    energy = _Energy(problem)
    points = {INTERIOR: energy.points[:, :5]}
    check_repeats(problem, points, energy)
    check_reads(problem, points, energy)
    check_gradients(problem, points, energy)
    _check_depends(problem, energy)
    if problem.reference_kind == "exact" and not energy.few:
        _check_least(problem, energy)
    _check_bounded(problem, energy)


class _Energy:
    """The density of a problem's energy, as if it were a term."""

    def __init__(self, problem: Energetic) -> None:
        self._problem = problem
        self.few = len(problem.inputs) > _MOST_AXES
        self.points = sobol_points(problem.domain.interior, _FEW if self.few else _POINTS)[None]

    def __call__(self, u: Field, points: Points) -> Residuals:
        name = self._problem.name
        inside = {INTERIOR: points[INTERIOR]}
        try:
            with torch.enable_grad():
                energy = self._problem.energies(u, inside)[INTERIOR]
        except ConfigurationError:
            raise
        except Exception as error:
            raise uncomputable(self._problem, f"the energy of {name}", error, inside) from error
        if not isinstance(energy, Energy):
            raise ConfigurationError(
                f"the energy of {name} is a {type(energy).__name__}: `energy` must return "
                "Energy(quadratic, rest)."
            )
        _check_shapes(name, energy, points[INTERIOR].shape)
        return {"energy": (energy.density,)}

    def density(self, u: Field) -> Tensor:
        """At the points of a quadrature, (1, n, 1)."""
        return self(u, {INTERIOR: self.points})["energy"][0].detach()

    def mean(self, u: Field) -> float:
        return self.density(u).mean().item()


def _within(problem: Energetic, wavenumber: float = 0.0) -> Field:
    """A field (..., d) -> (..., 1) that vanishes on the boundary and has no symmetry."""
    boundary = problem.domain.boundary if problem.domain.parts else None

    def field(x: Tensor) -> Tensor:
        size = torch.ones_like(x[..., :1])
        if boundary is not None:
            size = boundary.distance(x)[..., None]
        along = x.sum(dim=-1, keepdim=True)
        return size * (1.0 + 0.3 * torch.sin(along)) * torch.cos(wavenumber * along)

    return field


def _directions(problem: Energetic) -> Iterator[Field]:
    """Each output alone, and all of them, as fields (..., d) -> (..., q) of each wavenumber."""
    count = len(problem.outputs)
    alone = torch.eye(count, dtype=torch.float64)
    together = torch.ones(1, count, dtype=torch.float64)
    for wavenumber in _WAVENUMBERS[:1] if len(problem.inputs) > _MOST_AXES else _WAVENUMBERS:
        for weights in alone if count == 1 else torch.cat([alone, together]):
            yield _scaled(_within(problem, wavenumber), weights)


def _scaled(field: Field, by: Tensor | float) -> Field:
    def scaled(x: Tensor) -> Tensor:
        return field(x) * (by.to(x) if isinstance(by, Tensor) else by)

    return scaled


def _check_depends(problem: Energetic, energy: _Energy) -> None:
    def slope(x: Tensor) -> Tensor:
        return x.sum(dim=-1, keepdim=True).expand(*x.shape[:-1], len(problem.outputs))

    half, whole = (energy.density(_scaled(slope, size)).nan_to_num() for size in (0.5, 1.0))
    if torch.equal(half, whole):
        raise ConfigurationError(
            f"the energy of {problem.name} does not depend on the solution (by torch's operations): it "
            "contains nothing to make least."
        )


def _check_bounded(problem: Energetic, energy: _Energy) -> None:
    for direction in _directions(problem):
        for sign in (1.0, -1.0):
            values = _falling(energy, _scaled(direction, sign))
            if values:
                raise ConfigurationError(
                    f"the energy of {problem.name} has no least value: along fields that vanish on the "
                    f"boundary it falls without end, to {values[0]:.1e} at the size {_SIZES[0]:.0e} and "
                    f"{values[1]:.1e} at {_SIZES[1]:.0e}: look for a wrong sign in `energy`."
                )


def _falling(energy: _Energy, direction: Field) -> list[float]:
    """The energies of ever larger fields where they fall ever faster; else none."""
    values: list[float] = []
    for size in _SIZES:
        values.append(energy.mean(_scaled(direction, size)))
        falls = [before - after for before, after in pairwise(values)]
        if falls and falls[-1] == math.inf:
            return values
        if not all(fall > 0.0 for fall in falls):
            return []
        if not all(after > _FALLS * before for before, after in pairwise(falls)):
            return []
    return values


def _check_least(problem: Energetic, energy: _Energy) -> None:
    """A field v that vanishes on the boundary is added to the reference u and subtracted.  At the minimum
    E(u + v) − E(u − v) is zero, but for the quadrature, and E(u + v) + E(u − v) − 2 E(u) is positive."""
    beside = _within(problem)
    at = energy.density(problem.reference)
    over = energy.density(lambda x: problem.reference(x) + beside(x))
    under = energy.density(lambda x: problem.reference(x) - beside(x))
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


def _check_shapes(name: str, energy: Energy, points: torch.Size) -> None:
    for part, tensor, last in (("quadratic", energy.quadratic, None), ("rest", energy.rest, 1)):
        if not isinstance(tensor, Tensor):
            raise ConfigurationError(
                f"the {part} part of the energy of {name} must be a tensor: it is a {type(tensor).__name__}."
            )
        shape = tuple(tensor.shape)
        if len(shape) != 3 or shape[:2] != tuple(points[:2]) or (last is not None and shape[2] != last):
            raise ConfigurationError(
                f"the {part} part of the energy of {name} has the shape {shape} at points "
                f"{tuple(points)}: it must be ({points[0]}, {points[1]}, {last or 'any number'})."
            )
