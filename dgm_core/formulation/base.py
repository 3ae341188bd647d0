"""What every problem is: a domain, residuals on parts of it, and a reference where one is known."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, dataclass_transform

from pydantic import Field as Bounded
from torch import Tensor

from dgm_core.calculus import TIME, Derivatives, Field, derivatives
from dgm_core.calculus.precision import precision
from dgm_core.errors import ConfigurationError, unknown
from dgm_core.formulation.conditions import Condition, Measured, Periodic, joined
from dgm_core.formulation.defaults import DIFFERENTIAL
from dgm_core.formulation.domains import Domain
from dgm_core.formulation.energy import Energy
from dgm_core.formulation.evaluation_set import evaluation_set, sobol_points
from dgm_core.formulation.hard import hard_form
from dgm_core.formulation.integral import integrated
from dgm_core.formulation.parametrised import Parametrised
from dgm_core.formulation.references import Table, refined
from dgm_core.formulation.regions import Axis, Region
from dgm_core.formulation.terms import INTERIOR, METRICS, RESIDUAL, Conditions, Points, Residuals, of_output
from dgm_core.formulation.terms_at import terms_at
from dgm_core.formulation.verification import verify
from dgm_core.registry import kebab

_TEXTS = {
    "name": "the problem's name",
    "source": "where the equation was taken from",
    "score": "the error that trainings are ranked by",
}
"""What a subclass may say of itself in words, and might take for something of its equation."""


@dataclass_transform(frozen_default=True, field_specifiers=(Bounded,))
class Problem(Parametrised):
    """An equation with its domain, its conditions and, if one is known, a reference solution.

    A subclass defines `domain`, and either `equation` and `conditions` or, if these cannot express it,
    `regions` and `residuals`; everything else has a default.  Annotated fields of the class are its
    parameters: they are validated, frozen and set by "problem.…" keys.  Residuals take any field, so the
    reference itself can stand in for a network: at construction it must satisfy them.  They are functions of
    the field and the points alone: what else they read counts as the same in every step of a training.

    The reference is one of four.  Exact: `reference`.  Numerical: `solve`, checked against its own
    refinement.  Measured or tabulated: `table`.  None: then trainings are ranked by a residual on
    fixed points, and no table speaks of an error.
    """

    name: ClassVar[str]
    """By default the class's own, as heat-cauchy is HeatCauchy's."""
    outputs: ClassVar[tuple[str, ...]] = ("u",)
    source: ClassVar[str] = ""
    """Where the equation was taken from."""
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = DIFFERENTIAL
    """Named training configurations: "paper", and "tuned" where a study found a better one; a
    problem that is not the paper's has "default" in place of "paper".  Keys "problem.…" are
    parameters of the problem itself; a value may be a function of the problem."""
    tuned_by: ClassVar[str | None] = None
    """The command whose winner, rounded, the "tuned" settings are."""
    reported_mae: ClassVar[float | None] = None
    """The paper's mean absolute error for its settings."""
    score: ClassVar[str] = METRICS[0]
    """The error that ranks trainings and makes headlines: one of `METRICS`, of all outputs or of one
    ("rel_l2 of v")."""
    resolution: ClassVar[int] = 40
    """Evaluation nodes along each axis, of one or two."""
    table: ClassVar[Table | None] = None
    """Values of the solution at given points, in place of a `reference`."""
    reference_tolerance: ClassVar[float] = 1e-12
    """How far from zero the residuals may be on the reference, relative to those of a field that is
    wrong by its own size: rounding for an exact solution, more for a numerical one.  Of `solve`, how
    far apart its two refinements may be, relative to its largest value."""

    well_posed: ClassVar[bool] = True
    """Whether the solution is meant to be the only one.  False silences what is said where equation and
    conditions do not determine it, or data a trained constant."""
    scales: ClassVar[Mapping[str, float | tuple[float, float]]] = {}
    """Sizes in the problem's units, where the program should not find them itself (see `scales_of`): of an
    output its size or its range (lower, upper), of a term its residual's size for a wrong field."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for key, what in _TEXTS.items():
            if not isinstance(cls.__dict__.get(key) or "", str):
                raise ConfigurationError(
                    f"{cls.__name__}.{key} must be a text, {what}: give what you define there another name."
                )
        if "name" not in cls.__dict__:
            cls.name = kebab(cls.__name__)

    def examine(self) -> None:
        verify(self)
        assert self.metric  # refuses a score that is none

    @property
    @abstractmethod
    def domain(self) -> Domain:
        """Where the equation holds."""

    def equation(self, y: Derivatives) -> Any:
        """The residual inside the domain of a field's values and derivatives there, (K, n, c), or a tuple of
        residuals (K, n, 1)."""
        raise ConfigurationError(f"{self.name} lacks the method `equation` (or `residuals` and `regions`).")

    def energy(self, y: Derivatives) -> Energy:
        """The density whose integral the solution makes least among fields with the same boundary values.

        For problems that have a minimum principle (see `Energy`); others leave it out.
        """
        raise ConfigurationError(f"{self.name} gives no energy: it has no method `energy`.")

    @property
    def conditions(self) -> Conditions:
        """The conditions beside the equation: from the name of a term to its region and what holds there."""
        return {}

    @property
    def resolved_conditions(self) -> dict[str, tuple[Region, Condition]]:
        """The conditions with axes and positions of outputs in place of names.

        Raises ConfigurationError for an unknown name.
        """
        return {
            term: (region, held.resolved(self.inputs, self.outputs))
            for term, (region, held) in self.conditions.items()
        }

    def regions(self) -> dict[str, Region]:
        """Where the points of each sampled term lie."""
        return {INTERIOR: self.domain.interior, **{term: at for term, (at, _) in self.conditions.items()}}

    def residuals(self, u: Field, points: Points) -> Residuals:
        """Each term's residual, (K, n, c), for a field u: (K, n, d) -> (K, n, q).

        Conditions whose points are not given are left out.
        """
        return terms_at(self, u, points, lambda y: joined(self.equation(y), y.value))

    def energies(self, u: Field, points: Points) -> dict[str, Any]:
        """As `residuals`, with the `Energy` at each point in place of the equation's residual."""
        return terms_at(self, u, points, lambda y: Energy.of(self.energy(y), y.value))

    def reference(self, x: Tensor) -> Tensor:
        """The exact solution at x (..., d), as (..., q); or the numerical or tabulated one, float64."""
        if self.reference_kind == "numerical":
            return refined(self).fine(x)
        if self.table is not None:
            return self.table(x)
        raise ConfigurationError(f"{self.name} has no reference.")

    def solve(self, refinement: int) -> Field:
        """A numerical solution, the finer for refinement 1 than for 0: a field (..., d) -> (..., q).

        Each is computed once.  The difference between them is the check of the reference.
        """
        raise ConfigurationError(f"{self.name} has no numerical solution.")

    @property
    def reference_kind(self) -> Literal["exact", "numerical", "table", "none"]:
        """Which kind of reference the class defines."""
        kind = type(self)
        if kind.reference is not Problem.reference:
            return "exact"
        if kind.solve is not Problem.solve:
            return "numerical"
        return "none" if self.table is None else "table"

    @property
    def metric(self) -> str:
        """What ranks trainings: an error if there is a reference, else the residual."""
        if self.reference_kind == "none":
            return RESIDUAL
        by_output = [of_output(metric, output) for metric in METRICS for output in self.outputs]
        if len(self.outputs) == 1 and self.score in by_output:
            return self.score.partition(" of ")[0]
        if self.score not in (*METRICS, *by_output):
            raise unknown(f"score of {self.name}", self.score, (*METRICS, *by_output))
        return self.score

    @property
    def inputs(self) -> tuple[Axis, ...]:
        """The axes, time last."""
        return self.domain.axes

    def evaluation_points(self) -> Tensor:
        """The fixed points on which errors are measured, (N, d) float64.

        The points of the table, unless it is interpolated; else see `evaluation_set`.
        """
        if self.table is not None and not self.table.interpolate:
            return self.table.points
        return evaluation_set(self.domain, self.resolution)

    @property
    def terms(self) -> tuple[str, ...]:
        """The residuals' names, in order: those of the regions unless a region serves a residual."""
        return tuple(self.regions())

    @property
    def gives_energy(self) -> bool:
        """Whether the class has an `energy`."""
        return type(self).energy is not Problem.energy

    @property
    def default_settings(self) -> str:
        """The settings to use if none are named: the paper's, or the first."""
        return "paper" if "paper" in self.settings else next(iter(self.settings))

    @property
    def periodic(self) -> tuple[str, ...]:
        """The axes along which the solution repeats itself."""
        conditions = [condition for _, condition in self.resolved_conditions.values()]
        return tuple(dict.fromkeys(c.around.name for c in conditions if isinstance(c, Periodic)))

    @property
    def measured_terms(self) -> tuple[str, ...]:
        """The terms that compare with measured data."""
        return tuple(term for term, (_, held) in self.conditions.items() if isinstance(held, Measured))

    @property
    def hard_terms(self) -> tuple[str, ...]:
        """The terms that hold exactly under hard conditions.

        Periodic ones by a map of the inputs, Dirichlet faces and initial values of a box by themselves (see
        `hard_form`), and others where a `constrain` of the problem's own says how: then it names its terms.
        """
        periodic = [term for term, (_, held) in self.conditions.items() if isinstance(held, Periodic)]
        return (*periodic, *(() if self._own_form else hard_form(self).terms))

    def constrain(self, x: Tensor, raw: Tensor) -> Tensor:
        """A field (K, n, q) that satisfies the `hard_terms` for any raw network output (K, n, q) at x.

        Source: Lagaris, Likas and Fotiadis (1998), trial solutions.  Raises ConfigurationError where
        no such form is known.
        """
        if self.hard_terms:
            return hard_form(self)(x, raw)
        raise ConfigurationError(f"{self.name} has no condition that an output transform can make exact.")

    @property
    def starts(self) -> tuple[int, ...]:
        """Of an initial value problem in time alone, how much of each output is prescribed at its start: 1
        for its value, 2 for its velocity too.

        Empty for any other, which time windows cannot cut: also where more is prescribed than the start.
        """
        if tuple(axis.name for axis in self.inputs) != (TIME,) or self._own_form:
            return ()
        form = hard_form(self)
        return form.starts if set(form.terms) == set(self.conditions) and all(form.starts) else ()

    def state_at_start(self) -> Tensor:
        """What `starts` counts, (1, s) float64: the values of all outputs, then the velocities."""
        return hard_form(self).state_at(self.inputs[0].lower)

    def integrates(self, axis: str) -> bool:
        """Whether an `Integral` of the equation or of a condition goes along the axis."""
        points = {term: sobol_points(at, 2)[None] for term, at in self.regions().items()}
        count = len(self.outputs)
        with integrated() as integrated_axes, precision(points[INTERIOR].dtype):
            self.residuals(lambda x: x.sum(dim=-1, keepdim=True).expand(*x.shape[:-1], count), points)
        return axis in integrated_axes

    @property
    def whole(self) -> Problem:
        """The problem that this one is a time window of, or itself."""
        return self

    def accurate(self) -> Problem:
        """The same equation, its residuals free of random or coarse approximations of their own."""
        return self

    def derivatives(self, u: Field, x: Tensor) -> Derivatives:
        """The field and its derivatives at x, by the names of this problem's axes."""
        y = derivatives(u, x, self._axes)
        y.domain, y.outputs = self.domain, self.outputs
        return y

    @property
    def _own_form(self) -> bool:
        kind = type(self)
        return kind.constrain is not Problem.constrain or kind.residuals is not Problem.residuals

    @property
    def _axes(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.inputs)
