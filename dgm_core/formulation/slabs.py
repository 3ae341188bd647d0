"""Evolution equations on boxes, cut into windows in time that are solved one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from dgm_core.calculus import TIME
from dgm_core.formulation.base import Problem
from dgm_core.formulation.conditions import Condition, Dirichlet, InitialVelocity, Measured
from dgm_core.formulation.domains import Box, Face
from dgm_core.formulation.domains.box import Sides
from dgm_core.formulation.evaluation_set import sobol_points
from dgm_core.formulation.expansion import Expansion
from dgm_core.formulation.hard import prescriptions
from dgm_core.formulation.hard_forms import start_factor
from dgm_core.formulation.regions import Axis, Region
from dgm_core.formulation.time_part import TimePart

_AXES = 2
"""Axes beside time, at most: what is handed on has a coefficient for each pair of waves."""
_PROBES = 256


def begun(problem: Problem) -> tuple[int, ...]:
    """How much of each output is prescribed where time begins: its value 1, its velocity too 2.

    Empty where the problem cannot be cut: on anything but a box with one or two axes beside time, where
    residuals are the problem's own, where an output has no initial value, and where a condition is elsewhere
    than on a face.
    """
    axes, box = problem.inputs, problem.domain
    if not isinstance(box, Box) or type(problem).residuals is not Problem.residuals:
        return ()
    if not 2 <= len(axes) <= 1 + _AXES or axes[-1].name != TIME:
        return ()
    orders = [0] * len(problem.outputs)
    for region, condition in prescriptions(problem).values():
        if isinstance(condition, Measured) or _moved(region, box) is None:
            return ()
        if not _starts(region):
            continue
        if not isinstance(condition, Dirichlet | InitialVelocity):
            return ()
        outputs = range(len(orders)) if condition.column is None else (condition.column,)
        for output in outputs:
            orders[output] += 1
    return tuple(orders) if all(orders) else ()


def expansion_of(problem: Problem) -> Expansion:
    """In what the state that one window hands on to the next is expanded."""
    return Expansion(problem.inputs[:-1], problem.periodic)


@dataclass(frozen=True, eq=False)
class Slab(TimePart):
    """The part of an evolution equation with times in [lower, upper], started from `initial`.

    `initial` (K, m, …, s) holds the coefficients, in the problem's `expansion_of`, of what `handed_on` gives;
    None stands for the problem's own start.  The reference stays that of the whole problem.

    With the problem's own form C(x, t, raw) = A + F raw, hard conditions are satisfied by

        C(x, t, φ(t) c raw) + D(x) + (t − lower) D′(x)

    where D and D′ are what the state and its velocity are beyond those of A at `lower`, φ vanishes there, and
    c makes the network's factor as large as over the whole time.  Conditions in space hold at every time if
    they hold in the state, as they do in what a window hands on.
    """

    _begun: ClassVar[tuple[int, ...]]
    _conditions: ClassVar[dict[str, tuple[Region, Condition]]]
    _factor: ClassVar[Tensor]
    _exact: ClassVar[bool]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_begun", begun(self.problem))
        object.__setattr__(self, "_exact", _exact(self.problem))
        # Once: what a law prescribes is found by looking at numbers, which no recorded step may do.
        object.__setattr__(self, "_conditions", self._moved_conditions())
        object.__setattr__(self, "_factor", self._scale())

    @property
    def domain(self) -> Box:
        box = self.problem.domain
        assert isinstance(box, Box)
        return _window(box, self.lower, self.upper)

    @property
    def conditions(self) -> dict[str, tuple[Region, Condition]]:
        """Those of the problem, its start at the beginning of the window."""
        return self._conditions

    def _moved_conditions(self) -> dict[str, tuple[Region, Condition]]:
        conditions: dict[str, tuple[Region, Condition]] = {}
        for term, (region, held) in prescriptions(self.problem).items():
            moved = _moved(region, self.domain)
            assert moved is not None
            if self.initial is not None and _starts(region):
                assert isinstance(held, Dirichlet | InitialVelocity)
                held = replace(held, value=self._data(held))
            conditions[term] = moved, held
        return conditions

    @property
    def hard_terms(self) -> tuple[str, ...]:
        return self.problem.hard_terms

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """What satisfies the hard terms (see above)."""
        free = self._factor.to(raw) * raw
        if self.initial is None or not self._exact:
            return self.problem.constrain(x, free)
        time = x[..., -1:]
        share = (time - self.lower) * (1.0 / (self.upper - self.lower))
        orders = set(self._begun)
        if len(orders) == 1:
            free = start_factor(share, *orders) * free
        else:
            free = torch.cat([start_factor(share, order) for order in self._begun], dim=-1) * free
        count = len(self.outputs)
        beyond = expansion_of(self.problem)(x, self.initial)
        field = self.problem.constrain(x, free) + beyond[..., :count]
        if orders == {1}:
            return field
        moving = [i for i, order in enumerate(self._begun) if order > 1]
        columns = [field[..., i : i + 1] for i in range(count)]
        for place, i in enumerate(moving):
            velocity = beyond[..., count + place : count + place + 1]
            columns[i] = columns[i] + (time - self.lower) * velocity
        return columns[0] if count == 1 else torch.cat(columns, dim=-1)

    def _data(self, held: Dirichlet | InitialVelocity) -> Callable[[Tensor], Tensor]:
        """What is prescribed at the window's start, from its state."""
        assert self.initial is not None
        expansion, initial = expansion_of(self.problem), self.initial
        if self._exact:
            start = expansion.fitted(lambda places: _extended(self.problem, places, self.lower))
            initial = _added(start.to(initial), initial)
        moving = [i for i, order in enumerate(self._begun) if order > 1]
        count = len(self.outputs)
        if isinstance(held, Dirichlet):
            columns = list(range(count)) if held.column is None else [held.column]
        else:
            places = range(len(moving)) if held.column is None else [moving.index(held.column)]
            columns = [count + place for place in places]
        chosen = initial[..., columns]
        return lambda x: expansion(x, chosen)

    def _scale(self) -> Tensor:
        """The factor c (q,) of the network's values."""
        count = len(self.outputs)
        if not self._exact:
            return torch.ones(count, dtype=torch.float64)
        box = self.problem.domain
        assert isinstance(box, Box)

        def factor(domain: Box) -> Tensor:
            x = sobol_points(domain.interior, _PROBES)[None]
            values = [
                self.problem.constrain(x, torch.full((1, _PROBES, count), raw, dtype=torch.float64))
                for raw in (0.0, 1.0)
            ]
            of_raw = values[1] - values[0]
            if domain is not box and self.initial is not None:
                share = (x[..., -1:] - self.lower) / (self.upper - self.lower)
                of_raw = of_raw * torch.cat([start_factor(share, order) for order in self._begun], dim=-1)
            return of_raw.abs().amax(dim=(0, 1))

        return factor(box) / factor(self.domain).clamp_min(1e-12)


def handed_on(problem: Problem, time: float, state: Callable[[Tensor], Tensor]) -> Tensor:
    """The coefficients of a state at a time: those of its values, then of the velocities that are prescribed.

    state: (1, n, d) -> (K, n, s), float64.  Where hard conditions satisfy the start it is what the state is
    beyond the problem's own form: as smooth as the network, even where the problem's start has a kink.
    """

    def sample(places: Tensor) -> Tensor:
        x = torch.cat([places, torch.full((len(places), 1), time, dtype=torch.float64)], dim=-1)
        values = state(x[None])
        return values - _extended(problem, places, time) if _exact(problem) else values

    return expansion_of(problem).fitted(sample)


def _extended(problem: Problem, places: Tensor, time: float) -> Tensor:
    """State and velocities (1, n, s) of the problem's own form where the network says nothing."""
    times = torch.full((1, len(places), 1), time, dtype=torch.float64)
    with torch.enable_grad():
        x = torch.cat([places[None], times], dim=-1).requires_grad_()
        values = problem.constrain(x, x.new_zeros(1, len(places), len(problem.outputs)))
        values = values + 0.0 * x[..., :1]
        moving = [
            torch.autograd.grad(values[..., i].sum(), x, retain_graph=True)[0][..., -1:]
            for i, order in enumerate(begun(problem))
            if order > 1
        ]
    return torch.cat([values, *moving], dim=-1).detach()


def _exact(problem: Problem) -> bool:
    """Whether hard conditions satisfy everything that is prescribed where time begins."""
    starting = {term for term, (region, _) in problem.resolved_conditions.items() if _starts(region)}
    return starting <= set(problem.hard_terms)


def _added(first: Tensor, second: Tensor) -> Tensor:
    """Sums of coefficients of different length, each (K or 1, m, …, s)."""
    shape = [max(sizes) for sizes in zip(first.shape, second.shape, strict=True)]
    total = second.new_zeros(shape)
    for each in (first, second):
        total[(slice(None), *(slice(size) for size in each.shape[1:]))] += each
    return total


def _window(box: Box, lower: float, upper: float) -> Box:
    return Box.of((*box.axes[:-1], Axis(TIME, lower, upper)))


def _starts(region: Region) -> bool:
    return isinstance(region, Face) and region.fixed[0][0] == TIME


def _moved(region: Region, box: Box) -> Region | None:
    """A region of a problem, as the window on `box` has it; None where it cannot be cut."""
    if isinstance(region, Sides):
        return Sides(box)
    if not isinstance(region, Face):
        return None
    time = region.box.axes[-1]
    if any(name == TIME for name, _ in region.fixed):
        at_start = region.fixed == ((TIME, time.lower),)
        return Face(box, ((TIME, box.axes[-1].lower),)) if at_start else None
    return Face(box, region.fixed)
