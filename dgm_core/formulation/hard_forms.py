"""Fields that take prescribed values at the ends of axes and at the beginning of time, by construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dgm_core.formulation.regions import Axis

Data = Callable[[Tensor], Tensor]


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
        coordinate = x[..., self.column : self.column + 1]
        return (coordinate - self.axis.lower) * (1.0 / (self.axis.upper - self.axis.lower))

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


def start_factor(elapsed: Tensor, order: int) -> Tensor:
    """Zero at the start with `order` − 1 of its derivatives: (1 − exp(−s))^order, s in spans of time."""
    once = -torch.expm1(-elapsed)
    return once if order == 1 else once * once


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
        return start_factor(elapsed, 1 if self.velocity is None else 2)


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

    @property
    def starts(self) -> tuple[int, ...]:
        """How much of each output is prescribed where time begins: nothing 0, its value 1, its velocity too
        2."""
        begun = [form.start for form in self.outputs]
        return tuple(0 if start is None else 1 if start.velocity is None else 2 for start in begun)

    def state_at(self, time: float) -> Tensor:
        """In time alone, what is prescribed at its beginning: all values, then velocities, (1, s) float64."""
        x = torch.full((1, 1, 1), time, dtype=torch.float64)
        begun = [form.start for form in self.outputs if form.start is not None]
        values = [start.value(x) for start in begun]
        velocities = [start.velocity(x) for start in begun if start.velocity is not None]
        return torch.cat([*values, *velocities], dim=-1)[:, 0]
