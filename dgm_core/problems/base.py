"""What every problem is made of: axes, regions to draw points from, residuals and a reference."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from pydantic import ConfigDict, ValidationError
from torch import Tensor

from dgm_core.calculus import Derivatives, Field
from dgm_core.errors import ConfigurationError, explain, unknown
from dgm_core.registry import Registry

Points = Mapping[str, Tensor]
"""Term -> points (K, n, d)."""
Residuals = dict[str, Tensor]
"""Term -> residuals (K, n, c): zero where the equation or condition holds."""

STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)
"""Configuration of a problem's `pydantic.dataclasses.dataclass(frozen=True, config=STRICT)`."""


@dataclass(frozen=True)
class Axis:
    """A named input with its bounds, in the problem's units."""

    name: str
    lower: float
    upper: float


@dataclass(frozen=True)
class Region:
    """A box in the space of inputs; an axis with equal bounds is fixed (a face, an instant).

    `per_point` multiplies the number of points drawn, for terms that need several for each point
    of the mini-batch (the nodes of a Monte-Carlo integral).
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    per_point: int = 1

    @property
    def free(self) -> tuple[int, ...]:
        """Columns that vary."""
        return tuple(i for i, (a, b) in enumerate(zip(self.lower, self.upper, strict=True)) if a < b)

    def count(self, batch_size: int) -> int:
        """How many points a mini-batch of `batch_size` draws here: one where nothing varies."""
        return batch_size * self.per_point if self.free else 1

    def place(self, unit: Tensor) -> Tensor:
        """Maps the unit cube of the free columns, (..., m), onto the region, (..., d)."""
        points = torch.tensor(self.lower, dtype=unit.dtype).repeat(*unit.shape[:-1], 1)
        for column, i in enumerate(self.free):
            points[..., i] += (self.upper[i] - self.lower[i]) * unit[..., column]
        return points


class Problem(ABC):
    """An equation with its conditions, domain, points and reference solution.

    Subclasses are frozen dataclasses of their parameters, registered under their name.  `residuals`
    takes any field, so the reference itself can stand in for a network.
    """

    name: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]
    source: ClassVar[str]
    settings: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Named training configurations: "paper", and "tuned" where a study found a better one."""
    reported_mae: ClassVar[float | None] = None
    """The paper's mean absolute error for its settings."""
    resolution: ClassVar[int] = 40
    """Evaluation nodes along each axis."""

    @property
    @abstractmethod
    def inputs(self) -> tuple[Axis, ...]:
        """The axes, time last."""

    @abstractmethod
    def regions(self) -> dict[str, Region]:
        """Where the points of each sampled term lie."""

    @abstractmethod
    def residuals(self, u: Field, points: Points) -> Residuals:
        """Each term's residual, (K, n, c), for a field u: (K, n, d) -> (K, n, q)."""

    @abstractmethod
    def reference(self, x: Tensor) -> Tensor:
        """The exact or checked numerical solution at x (..., d), float64, as (..., q)."""

    def evaluation_points(self) -> Tensor:
        """The fixed points on which errors are measured, (N, d) float64: a grid over the domain."""
        n = self.resolution
        lines = [torch.linspace(a.lower, a.upper, n, dtype=torch.float64) for a in self.inputs]
        return torch.cartesian_prod(*lines).reshape(-1, len(lines))

    @property
    def terms(self) -> tuple[str, ...]:
        """The residuals' names, in order: those of the regions unless a region serves a residual."""
        return tuple(self.regions())

    def derivatives(self, u: Field, x: Tensor) -> Derivatives:
        """The field and its derivatives at x, by the names of this problem's axes."""
        return Derivatives(u, x, [axis.name for axis in self.inputs])

    def region(self, *, per_point: int = 1, **fixed: float) -> Region:
        """The domain, or the part of it where the named axes have the given values."""
        lower = tuple(fixed.get(axis.name, axis.lower) for axis in self.inputs)
        upper = tuple(fixed.get(axis.name, axis.upper) for axis in self.inputs)
        return Region(lower, upper, per_point)

    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as plain values."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def create(cls, parameters: Mapping[str, Any]) -> Problem:
        """The problem with the given parameters.  Raises ConfigurationError in one sentence."""
        allowed = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
        for key in parameters:
            if key not in allowed:
                if not allowed:
                    raise ConfigurationError(f"unknown key 'problem.{key}': {cls.name} has no parameters.")
                raise unknown("key", f"problem.{key}", [f"problem.{name}" for name in allowed])
        try:
            return cls(**parameters)
        except ValidationError as error:
            raise explain(error, allowed, prefix="problem.") from None


PROBLEMS: Registry[type[Problem]] = Registry("problem", "dgm_core.problems")


def load_problem(name: str, parameters: Mapping[str, Any] | None = None) -> Problem:
    """The registered problem called `name`.  Raises ConfigurationError."""
    return PROBLEMS.get(name).create(parameters or {})
