"""How large a problem's outputs and residuals are in its own units, so that they can be brought near one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from dgm_core.calculus import Differenced, Field
from dgm_core.calculus.precision import precision
from dgm_core.errors import ConfigurationError, unknown
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.regions import Axis, Region

_POINTS = 128
"""Of each term: enough for a size."""


class Sized(Protocol):
    """What is read of a problem."""

    name: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]
    scales: ClassVar[Mapping[str, float | tuple[float, float]]]

    @property
    def identity(self) -> str: ...
    @property
    def inputs(self) -> tuple[Axis, ...]: ...
    @property
    def terms(self) -> tuple[str, ...]: ...
    @property
    def reference_kind(self) -> str: ...
    def regions(self) -> dict[str, Region]: ...
    def residuals(self, u: Field, points: Mapping[str, Tensor]) -> dict[str, Any]: ...
    def reference(self, x: Tensor) -> Tensor: ...
    def evaluation_points(self) -> Tensor: ...
    def accurate(self) -> Any: ...
    def with_true_constants(self) -> Any: ...


@dataclass(frozen=True)
class Scales:
    """Sizes of a problem's outputs and residuals, in its own units.

    centres, sizes: the middle and half the range of each output, (q,).  terms: of each component of each
    term's residual, its root mean square for a field that is wrong by the outputs' sizes, (c,).
    """

    centres: tuple[float, ...]
    sizes: tuple[float, ...]
    terms: Mapping[str, tuple[float, ...]]


_known: WeakKeyDictionary[type, dict[str, Scales]] = WeakKeyDictionary()


def scales_of(problem: Sized) -> Scales:
    """The scales of a problem, computed once for each class and parameters.

    Outputs: what `problem.scales` says; else the range of the reference, where there is one, and of the
    values that the conditions prescribe; else, where these say nothing (all are zero, or the start is one
    number), the size at which the equation's response is as large as its sources.  Terms: what
    `problem.scales` says; else the largest residual of waves of those sizes, of the middle alone, and of the
    reference, stretched.
    """
    # Trained constants have a value for each replicate; sizes are the same for all.
    problem = problem.with_true_constants()
    known = _known.setdefault(type(problem), {})
    key = problem.identity
    if key not in known:
        with precision(torch.float64):
            known[key] = _found(problem.accurate())
    return known[key]


def check_scales(problem: Sized) -> None:
    """Refuses `problem.scales` that name nothing or are no sizes.  Raises ConfigurationError."""
    names = [*problem.outputs, *problem.terms]
    for name, given in problem.scales.items():
        if name not in names:
            raise unknown(f"name in scales of {problem.name}", name, names)
        if not _is_size(given):
            raise ConfigurationError(
                f"scales of {name!r} = {given} in {problem.name} is not allowed: it must be a number "
                "above 0, or for an output a range (lower, upper)."
            )


def _is_size(given: Any) -> bool:
    bounds = given if isinstance(given, tuple) else (0.0, given)
    if len(bounds) != 2 or not all(isinstance(bound, Real) for bound in bounds):
        return False
    lower, upper = bounds
    return math.isfinite(upper - lower) and bool(lower < upper)


def wave(axes: Sequence[Axis], frequency: float, phase: float) -> Field:
    """A wave over the axes' bounds, (..., d) -> (..., 1), with another wavenumber along each of them.

    Equal ones would solve the wave equation of speed one.
    """
    lower = torch.tensor([axis.lower for axis in axes], dtype=torch.float64)
    upper = torch.tensor([axis.upper for axis in axes], dtype=torch.float64)
    numbers = frequency * (0.9 + 0.8 * irregular(len(axes)))

    def field(x: Tensor) -> Tensor:
        position = (x - lower.to(x)) / (upper - lower).to(x)
        return torch.cos(phase + (numbers.to(x) * position).sum(dim=-1, keepdim=True))

    return field


def irregular(count: int) -> Tensor:
    """Different numbers in [0, 1) for the axes: fractional parts of multiples of the golden mean."""
    return torch.arange(count, dtype=torch.float64) * 0.6180339887498949 % 1.0


def stretched(axes: Sequence[Axis], field: Field) -> Field:
    """A field stretched from the domain's centre, along each axis by another factor.

    Its derivatives, however steep, no longer fit each other.
    """
    centre = torch.tensor([(axis.lower + axis.upper) / 2 for axis in axes], dtype=torch.float64)
    factor = 0.97 - 0.1 * irregular(len(axes))
    return lambda x: field(centre.to(x) + (x - centre.to(x)) * factor.to(x))


def parts_of(residual: Any) -> tuple[Tensor, ...]:
    """A residual's estimates: one, or a pair of independent ones."""
    return residual if isinstance(residual, tuple) else (residual,)


def typical(problem: Sized, u: Field, points: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The root mean square of each component of each term's residual, (c,)."""
    with torch.enable_grad():
        residuals = problem.residuals(u, points)
    return {t: parts_of(r)[0].detach().square().mean(dim=(0, 1)).sqrt() for t, r in residuals.items()}


def points_of(problem: Sized) -> dict[str, Tensor]:
    """Those of each term at which sizes are measured, (1, n, d)."""
    return {term: sobol_points(region, _POINTS)[None] for term, region in problem.regions().items()}


def _found(problem: Sized) -> Scales:
    points = points_of(problem)
    centres, sizes = _of_outputs(problem, points)
    terms = _of_terms(problem, points, centres, sizes)
    for term in terms:
        if term in problem.scales:
            terms[term] = torch.full_like(terms[term], _size(problem.scales[term]))
    return Scales(
        tuple(centres.tolist()), tuple(sizes.tolist()), {t: tuple(s.tolist()) for t, s in terms.items()}
    )


def _size(given: float | tuple[float, float]) -> float:
    return given if isinstance(given, float | int) else (given[1] - given[0]) / 2


def _of_outputs(problem: Sized, points: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Centres and sizes, (q,)."""
    lower, upper = _range(prescribed(problem, points))
    if problem.reference_kind != "none":
        values = problem.reference(problem.evaluation_points()).double()
        lower = torch.fmin(lower, values.amin(dim=0))
        upper = torch.fmax(upper, values.amax(dim=0))
    centres, sizes = (lower + upper).nan_to_num(0.0) / 2, (upper - lower).nan_to_num(0.0) / 2
    for i, output in enumerate(problem.outputs):
        given = problem.scales.get(output)
        if isinstance(given, tuple):
            centres[i] = sum(given) / 2
        elif given is not None:
            centres[i] = 0.0
        if given is not None:
            sizes[i] = _size(given)
    # Next to the middle's own size a smaller range is rounding.
    flat = sizes <= 1e-9 * centres.abs()
    if flat.any():
        sizes = torch.where(flat, _from_sources(problem, points, centres, sizes, flat), sizes)
    return centres, sizes


def prescribed(problem: Sized, points: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The values (m,) that conditions prescribe for each output, with their points (m, d); none where m is 0.

    points: term -> (1, n, d).  Of a residual that is linear in one output's value, and knows no other: where
    a constant makes it zero.
    """
    count = len(problem.outputs)
    values_of_output: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(count)]
    outside = {term: x for term, x in points.items() if term != "interior"}

    def constant(values: Tensor) -> dict[str, Tensor]:
        field: Field = lambda x: values.to(x) + 0.0 * x.sum(dim=-1, keepdim=True)  # noqa: E731
        with torch.enable_grad():
            residuals = problem.residuals(field, points)
        return {term: parts_of(residuals[term])[0].detach() for term in outside if term in residuals}

    unit = torch.eye(count, dtype=torch.float64)
    zero = constant(0.0 * unit[0])
    once, twice = ([constant(factor * value) for value in unit] for factor in (1.0, 2.0))
    for term, residual in zero.items():
        slopes = torch.stack([shifted[term] - residual for shifted in once])  # (q, 1, n, c)
        again = torch.stack([shifted[term] - residual for shifted in twice])
        linear = (again - 2.0 * slopes).abs() <= 1e-9 * slopes.abs()
        alone = (slopes != 0.0).sum(dim=0) == 1
        for i in range(count):
            which = alone & (slopes[i] != 0.0) & linear[i] & residual.isfinite()
            if which.any():
                place = which.nonzero()[:, 1]
                values_of_output[i].append((outside[term][0][place], -(residual / slopes[i])[which]))
    none = next(iter(points.values()))[0, :0], torch.empty(0, dtype=torch.float64)
    return [
        (torch.cat([x for x, _ in pairs]), torch.cat([values for _, values in pairs])) if pairs else none
        for pairs in values_of_output
    ]


def _range(known: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The least and the largest value of each output, (q,) each; NaN where none is prescribed."""
    ends = [(v.min(), v.max()) if len(v) else (torch.tensor(math.nan),) * 2 for _, v in known]
    lower, upper = zip(*ends, strict=True)
    return torch.stack(lower).double(), torch.stack(upper).double()


def _from_sources(
    problem: Sized, points: Mapping[str, Tensor], centres: Tensor, sizes: Tensor, flat: Tensor
) -> Tensor:
    """The size (q,) at which waves of the outputs without a range leave what the middle alone leaves.

    Between a hundredth and the whole of an output's middle, where that is not zero.
    """
    largest = torch.maximum(sizes, centres.abs()).max()
    guess = torch.where(centres != 0.0, centres.abs(), largest if largest > 0.0 else 1.0)
    base = _around(problem, centres, 0.0 * sizes, 1.9, 1.3)
    moved = _around(problem, centres, torch.where(flat, guess, 0.0), 1.9, 1.3)
    with torch.enable_grad():
        before, after = problem.residuals(base, points), problem.residuals(moved, points)
    ratios = []
    for term, residual in before.items():
        unmoved, shifted = parts_of(residual)[0].detach(), parts_of(after[term])[0].detach()
        response = (shifted - unmoved).square().mean(dim=(0, 1)).sqrt()
        ratios.append(unmoved.square().mean(dim=(0, 1)).sqrt() / response)
    every = torch.cat(ratios)
    every = every[every.isfinite() & (every > 0.0)]
    size = guess * (float(every.max()) if len(every) else 1.0)
    return torch.where(centres != 0.0, size.clamp(min=0.01 * guess, max=guess), size)


def _of_terms(
    problem: Sized, points: Mapping[str, Tensor], centres: Tensor, sizes: Tensor
) -> dict[str, Tensor]:
    fields = [
        _around(problem, centres, 0.0 * sizes, 1.0, 0.0),
        _around(problem, centres, sizes, 1.0, 0.5),
        _around(problem, centres, sizes, 1.9, 1.3),
    ]
    if problem.reference_kind == "exact":
        fields.append(stretched(problem.inputs, problem.reference))
    elif problem.reference_kind == "numerical":
        lengths = [axis.upper - axis.lower for axis in problem.inputs]
        fields.append(Differenced(stretched(problem.inputs, problem.reference), lengths))
    return largest_of([typical(problem, field, points) for field in fields])


def largest_of(measured: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The largest finite size of each component among several fields, (c,).

    Of a component that none of them moves, the largest of its term, or 1.
    """
    largest = {}
    for term in measured[0]:
        sizes = torch.stack([torch.nan_to_num(field[term], 0.0, 0.0, 0.0) for field in measured]).amax(dim=0)
        largest[term] = torch.where(sizes > 0, sizes, sizes.max() if sizes.any() else 1.0)
    return largest


def _around(problem: Sized, centres: Tensor, sizes: Tensor, frequency: float, phase: float) -> Field:
    """Each output's middle, and a wave of its size, for each output another one."""
    waves = [wave(problem.inputs, frequency, phase + 0.7 * i) for i in range(len(problem.outputs))]

    def field(x: Tensor) -> Tensor:
        return centres.to(x) + sizes.to(x) * torch.cat([part(x) for part in waves], dim=-1)

    return field
