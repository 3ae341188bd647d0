"""Hard conditions on boxes: fields that take prescribed values whatever a network says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from dgm_core.calculus import TIME, Differenced, Field
from dgm_core.calculus.precision import precision
from dgm_core.formulation.conditions import Condition, Dirichlet, InitialVelocity, Measured, Periodic
from dgm_core.formulation.domains import Box, Domain, Face
from dgm_core.formulation.domains.box import Sides
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.regions import Axis, Region
from dgm_core.formulation.scales import parts_of

_POINTS = 64
_ROUNDING = 1e-9
"""Of the data's largest value: what counts as agreement of two conditions where their places meet."""
_SMOOTH = 0.05
"""Relative difference between derivatives of the data by autograd and by differences that is still smooth."""
_AXES = 3
"""Along more axes than these the data are not blended: each may take three times as many values."""

Data = Callable[[Tensor], Tensor]


class Conditioned(Protocol):
    """What is read of a problem."""

    outputs: ClassVar[tuple[str, ...]]

    @property
    def domain(self) -> Domain: ...
    @property
    def inputs(self) -> tuple[Axis, ...]: ...
    @property
    def conditions(self) -> Mapping[str, tuple[Region, Condition] | Measured]: ...
    def residuals(self, u: Field, points: Mapping[str, Tensor]) -> dict[str, Any]: ...
    def with_constants_at(self, factor: float) -> Any: ...


@dataclass(frozen=True)
class Ends:
    """What is prescribed of one output at the ends of one axis: its column, and the data there or None."""

    column: int
    axis: Axis
    lower: Data | None = None
    upper: Data | None = None

    def at(self, x: Tensor, value: float) -> Tensor:
        """The points moved to where the axis has a value."""
        columns = [x[..., i : i + 1] for i in range(x.shape[-1])]
        columns[self.column] = 0.0 * columns[self.column] + value
        return torch.cat(columns, dim=-1)

    def position(self, x: Tensor) -> Tensor:
        """From 0 to 1 along the axis, (..., 1)."""
        own = x[..., self.column : self.column + 1]
        return (own - self.axis.lower) * (1.0 / (self.axis.upper - self.axis.lower))

    def blended(self, x: Tensor, before: Data | None) -> Tensor:
        """What is to be added to `before`, (..., 1), so that the data hold at the ends: linear in between."""
        total: Tensor | None = None
        place = self.position(x)
        both = self.lower is not None and self.upper is not None
        for data, value, share in (
            (self.lower, self.axis.lower, 1.0 - place),
            (self.upper, self.axis.upper, place),
        ):
            if data is None:
                continue
            there = self.at(x, value)
            gap = data(there) if before is None else data(there) - before(there)
            gap = share * gap if both else gap
            total = gap if total is None else total + gap
        assert total is not None
        return total

    def factor(self, x: Tensor) -> Tensor:
        """Zero where a value is prescribed, up to one elsewhere."""
        place = self.position(x)
        if self.lower is None:
            return 1.0 - place
        return place if self.upper is None else 4.0 * place * (1.0 - place)


@dataclass(frozen=True)
class Start:
    """What is prescribed of one output when time begins."""

    axis: Axis
    value: Data
    velocity: Data | None = None

    def begun(self, x: Tensor) -> Tensor:
        """The initial value, moving on at the initial velocity, (..., 1)."""
        time = Ends(x.shape[-1] - 1, self.axis)
        there = time.at(x, self.axis.lower)
        if self.velocity is None:
            return self.value(there)
        return self.value(there) + (x[..., -1:] - self.axis.lower) * self.velocity(there)

    def factor(self, x: Tensor) -> Tensor:
        """1 − exp(−s), s in spans of time; its square where the velocity holds too."""
        elapsed = (x[..., -1:] - self.axis.lower) * (1.0 / (self.axis.upper - self.axis.lower))
        once = -torch.expm1(-elapsed)
        return once if self.velocity is None else once * once


@dataclass(frozen=True)
class Output:
    """The form of one output: what satisfies its conditions, and the factor of the network's part.

    blended: those of `ends` whose data what comes before does not meet already.
    """

    start: Start | None
    ends: tuple[Ends, ...]
    blended: tuple[Ends, ...] = ()

    def extension(self, x: Tensor) -> Tensor | None:
        """A function that takes all prescribed values, (..., 1): a Boolean sum over the axes; None is zero.

        Source: Gordon and Hall (1973), transfinite interpolation.
        """
        function: Data | None = self.start.begun if self.start is not None else None
        for ends in self.blended:
            function = _added(function, ends)
        return None if function is None else function(x)

    def __call__(self, x: Tensor, raw: Tensor) -> Tensor:
        for part in (self.start, *self.ends):
            if part is not None:
                raw = part.factor(x) * raw
        extension = self.extension(x)
        return raw if extension is None else extension + raw


def _added(before: Data | None, ends: Ends) -> Data:
    def after(x: Tensor) -> Tensor:
        gap = ends.blended(x, before)
        return gap if before is None else before(x) + gap

    return after


@dataclass(frozen=True)
class HardForm:
    """Fields that satisfy `terms` whatever the raw values are."""

    terms: tuple[str, ...]
    outputs: tuple[Output, ...] = ()

    def __call__(self, x: Tensor, raw: Tensor) -> Tensor:
        """(K, n, q) at x (K, n, d) for raw values (K, n, q)."""
        if not self.terms:
            return raw
        return torch.cat([form(x, raw[..., i : i + 1]) for i, form in enumerate(self.outputs)], dim=-1)


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
    key = repr(problem)
    if key not in known:
        known[key] = HardForm(())  # what the problem asks of itself meanwhile
        with precision(torch.float64):
            known[key] = _found(problem, moved)
    return known[key]


def _found(problem: Conditioned, moved: Conditioned) -> HardForm:
    """moved: the same problem with other values of its trained constants."""
    if not isinstance(problem.domain, Box):
        return HardForm(())
    every = {term: (region, condition) for term, (region, condition) in problem.conditions.items()}
    usable = {term: held for term, held in every.items() if _usable(problem.domain, *held)}
    in_space = {term: held for term, held in usable.items() if not _instant(held[0])}
    for chosen in (usable, in_space) if in_space != usable else (usable,):
        form = _form(problem, chosen) if chosen else None
        if form is not None and _holds(problem, form) and (moved is problem or _holds(moved, form)):
            return form
    return HardForm(())


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
            if condition.output not in (None, output):
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
        value = prescribed(x) if callable(prescribed) else prescribed
        if isinstance(value, float | int) or not value.shape:
            return value + 0.0 * x[..., :1]
        return value if value.shape[-1] == 1 else value[..., output : output + 1]

    return data


def _faces(region: Region) -> list[tuple[str, float]]:
    if isinstance(region, Face):
        return list(region.fixed)
    assert isinstance(region, Sides)
    space = [axis for axis in region.box.axes if axis.name != TIME]
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
    found = [output.start.begun(x)] if output.start is not None else []
    for ends in output.ends:
        for data, value in ((ends.lower, ends.axis.lower), (ends.upper, ends.axis.upper)):
            if data is not None:
                found.append(data(ends.at(x, value)))
    sizes = [float(values.abs().max()) for values in found]
    return max(sizes, default=0.0) or 1.0


def _holds(problem: Conditioned, form: HardForm) -> bool:
    """Whether the form satisfies its terms, and is as smooth as the equation needs."""
    periodic = [term for term, (_, held) in problem.conditions.items() if isinstance(held, Periodic)]
    held = (*form.terms, *periodic)
    regions = {term: region for term, (region, _) in problem.conditions.items() if term in held}
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
        """What no condition of the form accepts: other values, and another velocity."""
        moved = 1.0 + (x[..., -1:] - problem.inputs[-1].lower) / lengths[-1]
        return field(0.0)(x) + _size_of(problem, form, x) * moved

    with torch.enable_grad():
        found = problem.residuals(field(0.7), points)
        wrong = problem.residuals(shifted, points)
    for term in regions:
        gap, scale = (parts_of(r[term])[0].detach().abs().max() for r in (found, wrong))
        if not gap <= 1e-7 * scale:
            return False
    smooth = parts_of(problem.residuals(field(0.0), points)["interior"])[0].detach()
    rough = parts_of(problem.residuals(Differenced(field(0.0), lengths), points)["interior"])[0].detach()
    size = torch.maximum(smooth.abs(), parts_of(found["interior"])[0].detach().abs()).amax(dim=(0, 1))
    return bool(((smooth - rough).abs().amax(dim=(0, 1)) <= _SMOOTH * size + 1e-12 * size.max()).all())


def _size_of(problem: Conditioned, form: HardForm, x: Tensor) -> Tensor:
    """Of each output's data, (q,)."""
    probe = sobol_points(problem.domain.interior, _POINTS)[None]
    return torch.tensor([_size(output, probe) for output in form.outputs], dtype=torch.float64).to(x)
