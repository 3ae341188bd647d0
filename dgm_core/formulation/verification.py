"""Whether a problem and its reference say the same: checked whenever a problem is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from dgm_core.calculus import Differenced, Field, Pointwise
from dgm_core.calculus.precision import precision
from dgm_core.errors import ConfigurationError, counted
from dgm_core.formulation.domains import Domain
from dgm_core.formulation.probing import (
    Probed,
    check_energy,
    check_form,
    check_reference_shape,
    draw,
    probe,
    reference_at,
)
from dgm_core.formulation.references import Table, refined, within
from dgm_core.formulation.scales import check_scales, largest_of, parts_of, stretched, wave
from dgm_core.formulation.trained import Trained

_POINTS = 8
_ROUGH_POINTS = 64
_ROUGH = 0.1
"""Share of a wrong field's residual that finite differences may leave of a numerical reference's."""

_verified: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()
"""Class -> the `identity` of its instances that passed; a class that is gone may leave its id to another."""


_EXTRAPOLATE = "let it extrapolate, as SciPy's interpolators do with bounds_error=False and fill_value=None"

_NEARLY = 1e-6
"""Share of a wrong field's residual below which a reference is rather inaccurate than wrong."""

_SINGLE = 1e-6
"""Rounding of constants that are float32, relative."""


class Posed(Probed, Protocol):
    """What the checks read of a problem."""

    reference_tolerance: ClassVar[float]
    table: ClassVar[Table | None]
    scales: ClassVar[Mapping[str, float | tuple[float, float]]]

    @property
    def identity(self) -> str: ...
    @property
    def gives_energy(self) -> bool: ...
    def energies(self, u: Field, points: Mapping[str, Tensor]) -> dict[str, Any]: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def conditions(self) -> Mapping[str, Any]: ...
    def solve(self, refinement: int) -> Field: ...
    def evaluation_points(self) -> Tensor: ...
    def accurate(self) -> Any: ...
    def with_true_constants(self) -> Any: ...
    @property
    def measured_terms(self) -> tuple[str, ...]: ...
    @classmethod
    def trained(cls) -> dict[str, Trained]: ...


def verify(problem: Posed) -> None:
    """Refuses a problem that contradicts itself, at a few points (float64).

    Every residual must be one (see `probe`).  An exact reference must satisfy the residuals;
    a numerical one must agree with its refinement, and satisfy the residuals roughly by finite
    differences of its values; none may be zero everywhere.  Raises ConfigurationError with the term, its
    residual and the tolerance.  One success is remembered for each class and parameters.
    """
    check_form(problem)
    known = _verified.setdefault(type(problem), set())
    if problem.identity in known:
        return
    check_scales(problem)
    if problem.reference_kind in ("exact", "numerical"):
        for name, constant in problem.trained().items():
            if constant.truth is None:
                raise ConfigurationError(
                    f"the reference of {problem.name} cannot be checked: it needs the true value of "
                    f"{name!r}, Trained({constant.start_of(problem)}, truth=...)."
                )
    start, problem = problem, problem.with_true_constants()
    accurate = problem.accurate()
    with precision(torch.float64) as kept:
        probe(problem)
        if problem.table is not None and problem.reference_kind == "table":
            _check_table(problem, problem.table)
        if problem.reference_kind != "none":
            _check_values(problem)
        if problem.reference_kind == "exact":
            single = kept is not None and kept.single
            _check_exact(accurate, _points(accurate, _POINTS), least=_SINGLE if single else 0.0)
        elif problem.reference_kind == "numerical":
            _check_numerical(accurate)
        if problem.gives_energy:
            check_energy(problem)
    known.add(start.identity)


def residual_sizes(problem: Posed, u: Field, points: Mapping[str, Tensor]) -> dict[str, float]:
    """The largest absolute residual of each term for a field at the given points."""
    components = component_sizes(problem, u, points)
    return {term: sizes.max().item() for term, sizes in components.items()}


def component_sizes(problem: Posed, u: Field, points: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The largest absolute residual of each component of each term, (c,)."""
    with torch.enable_grad():
        residuals = problem.residuals(Pointwise(u), points)
    return {
        term: torch.stack([part.detach().abs().amax(dim=(0, 1)) for part in parts_of(r)]).amax(dim=0)
        for term, r in residuals.items()
    }


def wrong_fields(problem: Posed) -> tuple[Field, ...]:
    """Fields that are wrong by the reference's own size, in value and in derivatives, in any units.

    To each output two waves are added, of the output's size and of about half a period along each axis:
    what is slow enough for finite differences, and of no period that a periodic problem has.  In a third
    field the reference is stretched along each axis by another factor, so that its own derivatives, however
    steep, no longer fit each other.
    """
    size = output_sizes(problem.reference(problem.evaluation_points()))

    def waving(frequency: float, phase: float) -> Field:
        added = wave(problem.inputs, frequency, phase)
        return lambda x: problem.reference(x) + size.to(x) * added(x)

    return waving(1.0, 0.5), waving(1.9, 1.3), stretched(problem.inputs, problem.reference)


def output_sizes(values: Tensor) -> Tensor:
    """The largest absolute value of each output, (..., q) -> (q,); the largest of all for an output that is
    zero throughout."""
    sizes = values.abs().reshape(-1, values.shape[-1]).amax(dim=0)
    largest = sizes.max() if sizes.any() else torch.ones_like(sizes.max())
    return torch.where(sizes > 0, sizes, largest)


def _check_table(problem: Posed, table: Table) -> None:
    """Refuses a table that measures elsewhere than the problem is solved."""
    if table.points.shape[1] != len(problem.inputs) or table.values.shape[1] != len(problem.outputs):
        raise ConfigurationError(
            f"the table of {problem.name} has {counted(table.points.shape[1], 'input')} and "
            f"{counted(table.values.shape[1], 'output')}: it must have {len(problem.inputs)} and "
            f"{len(problem.outputs)}."
        )
    if table.interpolate:
        return
    outside = torch.nonzero(~within(problem.domain, table.points))[:, 0]
    if len(outside):
        first = table.points[outside[0]].tolist()
        where = ", ".join(f"{axis.name} = {x:g}" for axis, x in zip(problem.inputs, first, strict=True))
        raise ConfigurationError(
            f"the table of {problem.name} has {len(outside)} of {counted(len(table.points), 'point')} "
            f"outside of the domain, the first at {where} (row {int(outside[0]) + 1}): "
            "`table.inside(domain)` leaves them out."
        )


def _check_values(problem: Posed) -> None:
    points = problem.evaluation_points()
    values = reference_at(problem, points)
    expected = (len(points), len(problem.outputs))
    if tuple(values.shape) != expected:
        raise ConfigurationError(
            f"the reference of {problem.name} has the shape {tuple(values.shape)} at points "
            f"{tuple(points.shape)}: it must be {expected}; write x[..., :1] for a coordinate, and not "
            "x[..., 0]."
        )
    check_reference_shape(problem)
    if not torch.isfinite(values).all():
        raise ConfigurationError(f"the reference of {problem.name} is not finite at all evaluation points.")
    if not values.any():
        raise ConfigurationError(
            f"{problem.name} with these parameters has the solution zero, so it has no relative error."
        )


def _checked(problem: Posed) -> tuple[str, ...]:
    """The terms that a reference satisfies: data that were measured have errors of their own."""
    return tuple(term for term in problem.terms if term not in problem.measured_terms)


def _check_exact(problem: Posed, points: Mapping[str, Tensor], *, least: float) -> None:
    """least: a tolerance below which none is."""
    try:
        sizes = component_sizes(problem, problem.reference, points)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"the reference of {problem.name} cannot be put into the equation and the conditions "
            f"({' '.join(str(error).split()).rstrip('.')}): compute it with torch, as torch.sin(x), so that "
            "derivatives follow, or give values as a `table` or by `solve`."
        ) from error
    wrong = largest_of([component_sizes(problem, field, points) for field in wrong_fields(problem)])
    for term in _checked(problem):
        for size, scale in zip(sizes[term].tolist(), wrong[term].tolist(), strict=True):
            allowed = max(problem.reference_tolerance, least) * scale
            if not size <= allowed:  # a NaN is refused too
                raise ConfigurationError(
                    f"the reference of {problem.name} does not satisfy its term {term!r}: "
                    f"the residual is {size:.1e}, where {allowed:.1e} is allowed{_hint(size, scale)}."
                )


def _hint(size: float, scale: float) -> str:
    """How to allow a reference that is nearly exact, such as a solution on a larger domain."""
    if not 0.0 < size < _NEARLY * scale:
        return ""
    tolerance = 10.0 ** math.ceil(math.log10(size / scale))
    return f"; if it has no more digits, write reference_tolerance = {tolerance:.0e} in the class"


def _check_numerical(problem: Posed) -> None:
    difference = refined(problem).difference(problem.evaluation_points())
    if not difference <= problem.reference_tolerance:
        raise ConfigurationError(
            f"the numerical reference of {problem.name} differs from its coarser one by {difference:.1e} of "
            f"its largest value, where reference_tolerance = {problem.reference_tolerance:.1e} is allowed."
        )
    lengths = [axis.upper - axis.lower for axis in problem.inputs]
    points = _points(problem, _ROUGH_POINTS)
    try:
        sizes = _typical(problem, Differenced(problem.reference, lengths), points)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"the numerical reference of {problem.name} cannot be evaluated a little outside of the domain, "
            f"where finite differences at its edge look ({' '.join(str(error).split()).rstrip('.')}): "
            f"{_EXTRAPOLATE}."
        ) from error
    wrong = largest_of(
        [_typical(problem, Differenced(field, lengths), points) for field in wrong_fields(problem)]
    )
    for term in _checked(problem):
        for size, scale in zip(sizes[term].tolist(), wrong[term].tolist(), strict=True):
            if math.isnan(size):
                raise ConfigurationError(
                    f"the numerical reference of {problem.name} is not a number at or beside points of its "
                    f"term {term!r}; finite differences look a little outside too: {_EXTRAPOLATE}."
                )
            if not size <= _ROUGH * scale:
                raise ConfigurationError(
                    f"the numerical reference of {problem.name} does not satisfy its term {term!r}: by "
                    f"finite differences its residual is typically {size:.1e}, where that of a field which "
                    f"is wrong by its own size is {scale:.1e}."
                )


def _typical(problem: Posed, u: Field, points: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The median absolute residual of each component of each term, (c,)."""
    residuals = problem.residuals(u, points)
    return {
        term: torch.stack([p.abs().flatten(0, 1).median(dim=0).values for p in parts_of(r)]).amax(dim=0)
        for term, r in residuals.items()
    }


def _points(problem: Posed, count: int) -> dict[str, Tensor]:
    return draw(problem, 1, count)
