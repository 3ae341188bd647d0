"""What every problem is made of: axes, regions to draw points from, residuals and a reference."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from pydantic import ConfigDict, ValidationError
from torch import Tensor

from dgm_core.calculus import Derivatives, Field, derivatives_at
from dgm_core.errors import ConfigurationError, explain, unknown
from dgm_core.problems.verification import verify
from dgm_core.registry import Registry

Points = Mapping[str, Tensor]
"""Term -> points (K, n, d)."""
Residual = Tensor | tuple[Tensor, Tensor]
"""(K, n, c), zero where the equation or condition holds; or two independent, unbiased estimates of
it, whose product has the square of the true residual as its expectation."""
Residuals = dict[str, Residual]
"""Term -> residual."""

STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False, strict=True)
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
    of the mini-batch (the nodes of a Monte-Carlo integral).  `total` replaces that number by one
    which does not depend on the mini-batch.  `independent` points are uniform and independent
    whatever the sampler: an estimate's variance is theirs.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    per_point: int = 1
    total: int | None = None
    independent: bool = False

    @property
    def free(self) -> tuple[int, ...]:
        """Columns that vary."""
        return tuple(i for i, (a, b) in enumerate(zip(self.lower, self.upper, strict=True)) if a < b)

    def count(self, batch_size: int) -> int:
        """How many points a mini-batch of `batch_size` draws here: one where nothing varies."""
        if self.total is not None:
            return self.total
        return batch_size * self.per_point if self.free else 1

    def place(self, unit: Tensor) -> Tensor:
        """Maps the unit cube of the free columns, (..., m), onto the region, (..., d)."""
        points = torch.tensor(self.lower, dtype=unit.dtype).repeat(*unit.shape[:-1], 1)
        for column, i in enumerate(self.free):
            points[..., i] += (self.upper[i] - self.lower[i]) * unit[..., column]
        return points


@dataclass(frozen=True)
class FixedNodes(Region):
    """Points given once and used whole at every iteration, whatever the batch size: training data."""

    nodes: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, nodes: Tensor) -> FixedNodes:
        """The nodes (n, d), in their bounding box."""
        rows = tuple(tuple(row) for row in nodes.tolist())
        return cls(tuple(nodes.amin(0).tolist()), tuple(nodes.amax(0).tolist()), nodes=rows)

    @property
    def free(self) -> tuple[int, ...]:
        """None: nothing is drawn."""
        return ()

    def count(self, batch_size: int) -> int:
        """All nodes."""
        return len(self.nodes)

    def place(self, unit: Tensor) -> Tensor:
        """The nodes themselves, for unit (..., n, 0), as (..., n, d)."""
        nodes = torch.tensor(self.nodes, dtype=unit.dtype)
        return nodes.expand(*unit.shape[:-2], *nodes.shape)


class Problem(ABC):
    """An equation with its conditions, domain, points and reference solution.

    Subclasses are frozen dataclasses of their parameters, registered under their name.  `residuals`
    takes any field, so the reference itself can stand in for a network; at construction it must
    satisfy the problem's own residuals.
    """

    name: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]
    source: ClassVar[str]
    settings: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Named training configurations: "paper", and "tuned" where a study found a better one; a
    problem that is not the paper's has "default" in place of "paper".  Keys "problem.…" are
    parameters of the problem itself."""
    tuned_by: ClassVar[str | None] = None
    """The command whose winner, rounded, the "tuned" settings are."""
    default_settings: ClassVar[str] = "paper"
    """The settings to use where none are named."""
    reported_mae: ClassVar[float | None] = None
    """The paper's mean absolute error for its settings."""
    resolution: ClassVar[int] = 40
    """Evaluation nodes along each axis."""
    reference_tolerance: ClassVar[float] = 1e-12
    """How far from zero the residuals may be on the reference, relative to those of a field that is
    wrong by its own size: rounding for an exact solution, more for a numerical one."""

    def __post_init__(self) -> None:
        verify(self)

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

    @property
    def faces(self) -> tuple[tuple[str, float], ...]:
        """The faces (axis, value) that carry a condition: all but the final time, unless overridden."""
        lower = [(axis.name, axis.lower) for axis in self.inputs]
        upper = [(axis.name, axis.upper) for axis in self.inputs if axis.name != "t"]
        return (*lower, *upper)

    @property
    def hard_terms(self) -> tuple[str, ...]:
        """The terms that `constrain` makes hold exactly; none where it is not available."""
        return ()

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """A field (K, n, q) that satisfies the `hard_terms` for any raw network output (K, n, q) at x.

        Source: Lagaris, Likas and Fotiadis (1998), trial solutions.  Raises ConfigurationError where
        no such form is known.
        """
        raise ConfigurationError(f"{self.name} has no condition that an output transform can make exact.")

    def window(self, lower: float, upper: float, initial: Tensor | None = None) -> Problem:
        """The part of the problem in [lower, upper] of time, started from `initial` (K, q).

        None stands for the problem's own initial values, where the window begins at its start.
        Raises ConfigurationError unless the problem is an initial value problem in time alone.
        """
        raise ConfigurationError(
            f"{self.name} cannot be cut into time windows: it is no initial value problem in time alone."
        )

    def accurate(self) -> Problem:
        """The same equation, its residuals free of random or coarse approximations of their own."""
        return self

    def derivatives(self, u: Field, x: Tensor) -> Derivatives:
        """The field and its derivatives at x, by the names of this problem's axes."""
        return Derivatives(u, x, [axis.name for axis in self.inputs])

    def derivatives_at(self, u: Field, points: Points, terms: Sequence[str]) -> dict[str, Derivatives]:
        """Those at the points of several terms, in one evaluation where the field allows it."""
        axes = [axis.name for axis in self.inputs]
        return derivatives_at(u, {term: points[term] for term in terms}, axes)

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
