"""Hard conditions on boxes: fields that take prescribed values whatever a network says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Differenced, Field
from dgm_core.calculus.precision import precision
from dgm_core.formulation.conditions import (
    Condition,
    Dirichlet,
    Holds,
    InitialVelocity,
    Periodic,
    evaluated,
)
from dgm_core.formulation.domains import Box, Domain, Face
from dgm_core.formulation.domains.box import Sides
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.hard_forms import Data, Ends, HardForm, Output, Start
from dgm_core.formulation.laws import as_prescription
from dgm_core.formulation.regions import Axis, Region
from dgm_core.formulation.scales import parts_of, wave

_POINTS = 64
_ROUNDING = 1e-9
"""Of the data's largest value: what counts as agreement of two conditions where their places meet."""
_SMOOTH = 0.05
"""Relative difference between derivatives of the data by autograd and by differences that is still smooth."""
_AXES = 3
"""Along more axes than these the data are not blended: each may take three times as many values."""


class Conditioned(Protocol):
    """What is read of a problem."""

    outputs: ClassVar[tuple[str, ...]]

    @property
    def identity(self) -> str: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def inputs(self) -> tuple[Axis, ...]: ...
    @property
    def resolved_conditions(self) -> Mapping[str, tuple[Region, Condition]]: ...
    def residuals(self, u: Field, points: Mapping[str, Tensor]) -> dict[str, Any]: ...
    def with_constants_at(self, factor: float) -> Any: ...


_known: WeakKeyDictionary[type, dict[str, HardForm]] = WeakKeyDictionary()


def hard_form(problem: Conditioned) -> HardForm:
    """The form for a problem on a box, found once for each class and parameters; without terms where none is.

    Made of Dirichlet conditions on the box's faces, and of initial values and velocities.  They are left to
    the loss where they contradict each other in a corner, or where their data are not smooth: the equation
    would see the kinks all over the domain.  Initial values yield first.  Data that depend on a trained
    constant are left to the loss too: the form is one for all replicates.
    """
    moved = problem.with_constants_at(2.0)
    problem = problem.with_constants_at(1.0)

    known = _known.setdefault(type(problem), {})
    key = problem.identity
    if key not in known:
        known[key] = HardForm(())  # what the problem asks of itself meanwhile
        with precision(torch.float64):
            known[key] = _found(problem, moved)
    return known[key]


def _found(problem: Conditioned, moved: Conditioned) -> HardForm:
    """moved: the same problem with other values of its trained constants."""
    if not isinstance(problem.domain, Box):
        return HardForm(())
    every = prescriptions(problem)
    usable = {term: held for term, held in every.items() if _usable(problem.domain, *held)}
    in_space = {term: held for term, held in usable.items() if not _instant(held[0])}
    for chosen in (usable, in_space) if in_space != usable else (usable,):
        form = _form(problem, chosen) if chosen else None
        try:
            if form is not None and _holds(problem, form) and (moved is problem or _holds(moved, form)):
                return form
        except RuntimeError:  # torch's, of data that it cannot differentiate
            continue
    return HardForm(())


def prescriptions(problem: Conditioned) -> dict[str, tuple[Region, Condition]]:
    """The conditions, those of them that are laws as the `Dirichlet` or `InitialVelocity` they come to."""
    return {
        term: (region, as_prescription(problem, region, held) if isinstance(held, Holds) else held)
        for term, (region, held) in problem.resolved_conditions.items()
    }


def _instant(region: Region) -> bool:
    return isinstance(region, Face) and region.fixed[0][0] == TIME


def _usable(box: Box, region: Region, condition: Condition) -> bool:
    if not isinstance(condition, Dirichlet | InitialVelocity):
        return False
    if isinstance(condition.value, Tensor) and condition.value.dim():
        return False  # values at points of its own
    if isinstance(region, Sides):
        return isinstance(condition, Dirichlet) and region.box == box
    if not isinstance(region, Face) or region.box != box or len(region.fixed) != 1:
        return False
    ((name, value),) = region.fixed
    axis = next(axis for axis in box.axes if axis.name == name)
    if name == TIME:
        return value == axis.lower
    return isinstance(condition, Dirichlet) and value in (axis.lower, axis.upper)


def _form(problem: Conditioned, chosen: Mapping[str, tuple[Region, Condition]]) -> HardForm | None:
    """The form of some conditions; None where one is prescribed twice, or a velocity without a value."""
    outputs = []
    for output in range(len(problem.outputs)):
        faces: dict[tuple[str, float], Data] = {}
        velocity: Data | None = None
        for region, condition in chosen.values():
            assert isinstance(condition, Dirichlet | InitialVelocity)
            if condition.column not in (None, output):
                continue
            data = _data(condition, output)
            if isinstance(condition, InitialVelocity):
                if velocity is not None:
                    return None
                velocity = data
                continue
            for face in _faces(region):
                if face in faces:
                    return None
                faces[face] = data
        form = _of_output(problem.inputs, faces, velocity)
        if form is None:
            return None
        outputs.append(form)
    needed = [_needed(problem, output) for output in outputs]
    if any(output is None for output in needed):
        return None
    return HardForm(tuple(chosen), tuple(output for output in needed if output is not None))


def _data(condition: Dirichlet | InitialVelocity, output: int) -> Data:
    prescribed = condition.value

    def data(x: Tensor) -> Tensor:
        value = evaluated(prescribed, x)
        if isinstance(value, float | int) or not value.shape:
            return value + 0.0 * x[..., :1]
        return value if value.shape[-1] == 1 else value[..., output : output + 1]

    return data


def _faces(region: Region) -> list[tuple[str, float]]:
    if isinstance(region, Face):
        return list(region.fixed)
    assert isinstance(region, Sides)
    space = [axis for axis in region.box.axes if axis.in_space]
    return [(axis.name, value) for axis in space for value in (axis.lower, axis.upper)]


def _of_output(
    axes: Sequence[Axis], faces: Mapping[tuple[str, float], Data], velocity: Data | None
) -> Output | None:
    start: Start | None = None
    ends = []
    for column, axis in enumerate(axes):
        lower, upper = (faces.get((axis.name, value)) for value in (axis.lower, axis.upper))
        if axis.name == TIME:
            if lower is not None:
                start = Start(axis, lower, velocity)
        elif lower is not None or upper is not None:
            ends.append(Ends(column, axis, lower, upper))
    if velocity is not None and start is None:
        return None
    return Output(start, tuple(ends))


def _needed(problem: Conditioned, output: Output) -> Output | None:
    """The output with those ends blended at which something is to be added; None where these are too many."""
    x = sobol_points(problem.domain.interior, _POINTS)[None]
    form = output
    size = _size(output, x)
    for ends in output.ends:
        before = form.extension
        function: Data | None = None
        if before(x) is not None:
            function = lambda x, before=before: before(x)  # noqa: E731
        if ends.blended(x, function).abs().max() > _ROUNDING * size:
            form = Output(form.start, form.ends, (*form.blended, ends))
            if len(form.blended) > _AXES:
                return None
    return form


def _size(output: Output, x: Tensor) -> float:
    """The largest absolute value of all data, or 1."""
    prescribed = [output.start.begun(x)] if output.start is not None else []
    for ends in output.ends:
        for data, value in ((ends.lower, ends.axis.lower), (ends.upper, ends.axis.upper)):
            if data is not None:
                prescribed.append(data(ends.at(x, value)))
    sizes = [float(values.abs().max()) for values in prescribed]
    return max(sizes, default=0.0) or 1.0


def _holds(problem: Conditioned, form: HardForm) -> bool:
    """Whether the form satisfies its terms, and is as smooth as the equation needs."""
    periodic = [term for term, (_, held) in problem.resolved_conditions.items() if isinstance(held, Periodic)]
    held = (*form.terms, *periodic)
    regions = {term: region for term, (region, _) in problem.resolved_conditions.items() if term in held}
    points = {term: sobol_points(region, _POINTS)[None] for term, region in regions.items()}
    points["interior"] = sobol_points(problem.domain.interior, _POINTS)[None]
    lengths = [axis.upper - axis.lower for axis in problem.inputs]
    x = points["interior"]
    # Differences keep away from the edge, beyond which data need not be defined.
    centre = torch.tensor([(a.lower + a.upper) / 2 for a in problem.inputs], dtype=torch.float64)
    points["interior"] = centre + (x - centre) * 0.9

    def field(share: float) -> Field:
        return lambda x: form(x, share * _size_of(problem, form, x) + 0.0 * x[..., :1])

    def shifted(x: Tensor) -> Tensor:
        """What no condition of the form accepts: other values and slopes, along every axis."""
        lower, span = x.new_tensor([a.lower for a in problem.inputs]), x.new_tensor(lengths)
        moved = 1.0 + ((x - lower) / span).sum(dim=-1, keepdim=True)
        return field(0.0)(x) + _size_of(problem, form, x) * moved

    def waving(x: Tensor) -> Tensor:
        """As large as the data, and with derivatives of every order."""
        return form(x, _size_of(problem, form, x) * wave(problem.inputs, 1.9, 1.3)(x))

    with torch.enable_grad():
        residuals = problem.residuals(field(0.7), points)
        wrong = problem.residuals(shifted, points)
        usual = parts_of(problem.residuals(waving, points)["interior"])[0].detach()
    for term in regions:
        gap, scale = (parts_of(r[term])[0].detach().abs().max() for r in (residuals, wrong))
        if not gap <= 1e-7 * scale:
            return False
    smooth = parts_of(problem.residuals(field(0.0), points)["interior"])[0].detach()
    rough = parts_of(problem.residuals(Differenced(field(0.0), lengths), points)["interior"])[0].detach()
    every = torch.stack([smooth.abs(), parts_of(residuals["interior"])[0].detach().abs(), usual.abs()])
    size = every.amax(dim=(0, 1, 2))
    if not ((smooth - rough).abs().amax(dim=(0, 1)) <= _SMOOTH * size + 1e-12 * size.max()).all():
        return False
    return _defined(problem, field(0.7), lengths)


def _defined(problem: Conditioned, field: Field, lengths: Sequence[float]) -> bool:
    """Whether derivatives of the field, by torch and by differences, are numbers on the edge too, at least
    where those of a wave are."""
    edge = {term: sobol_points(at, _POINTS)[None] for term, (at, _) in problem.resolved_conditions.items()}
    edge["interior"] = sobol_points(problem.domain.interior, 1)[None]
    count = len(problem.outputs)

    def waves(x: Tensor) -> Tensor:
        return wave(problem.inputs, 1.0, 0.5)(x).expand(*x.shape[:-1], count)

    for kind in (lambda u: u, lambda u: Differenced(u, lengths)):
        with torch.enable_grad():
            plain, formed = (problem.residuals(kind(u), edge) for u in (waves, field))
        for term in problem.resolved_conditions:
            known, reached = (parts_of(each[term])[0].detach().isfinite() for each in (plain, formed))
            if (known & ~reached).any():
                return False
    return True


def _size_of(problem: Conditioned, form: HardForm, x: Tensor) -> Tensor:
    """Of each output's data, (q,)."""
    probe = sobol_points(problem.domain.interior, _POINTS)[None]
    return torch.tensor([_size(output, probe) for output in form.outputs], dtype=torch.float64).to(x)
