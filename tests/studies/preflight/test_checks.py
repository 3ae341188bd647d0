"""Each check has a study that trips it and one that does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_cli.check import check, find, show
from dgm_core import ConfigurationError, Problem, Setup, load_problem
from dgm_core.formulation import (
    Box,
    Dirichlet,
    Holds,
    InitialValueProblem,
    InitialVelocity,
    IntegralEquation,
    Measured,
    Neumann,
    Table,
    Trained,
)
from studies.catalog import load_study
from studies.preflight import CHECKS, Finding, Question, derivative_orders, examine, refuse
from studies.preflight.checks.few_seeds import least_p, seeds_needed
from studies.preflight.checks.vanishing_derivatives import smooth_to
from studies.study import Ablation, Search, Study

HEAT = Setup.named(load_problem("heat")).changed({"iterations": 2_000})
SEARCH = Search(
    name="any",
    base=HEAT,
    space={"learning_rate": FloatDistribution(1e-4, 1e-1, log=True)},
    trials=4,
    grace_period=500,
    reduction_factor=2,
)
ABLATION = Ablation(
    name="any",
    base=HEAT,
    arms={"1": {"depth": 1}, "2": {"depth": 2}},
    baseline="1",
    replicates=6,
)


class Slab(Problem):
    """u_xx + u_yy = 1 with conditions on the given faces alone."""

    faces: tuple[str, ...] = ("x_min", "x_max", "y_min", "y_max")
    domain = Box(x=(0.0, 1e-6), y=(0.0, 1e-6))

    def equation(self, y: Any) -> Any:
        return y.laplacian() - 1.0

    @property
    def conditions(self) -> Any:
        return {face: (self.domain.parts[face], Dirichlet(lambda x: 0.0 * x[..., :1])) for face in self.faces}


TIMES = torch.linspace(0.0, 2.0, 9, dtype=torch.float64)[:, None]


class Rates(InitialValueProblem):
    """y' = −a b y with measured data, where only the product enters, or y' = −a y − b."""

    product: bool = True
    scale: float = 1.0  # of the times at which it was measured
    a: float = Trained(1.0, positive=True)
    b: float = Trained(1.0, positive=True)
    domain = Box(t=(0.0, 2.0))

    def initial_state(self, like: Any) -> Any:
        return like.new_ones(1, 1, 1)

    def equation(self, y: Any) -> Any:
        return y.d("t") + (self.a * self.b * y.value if self.product else self.a * y.value + self.b)

    @property
    def conditions(self) -> Any:
        return {**super().conditions, "data": Measured(Table(self.scale * TIMES, torch.exp(-1.7 * TIMES)))}


class Kernel(IntegralEquation):
    """y(x) = 1 + ∫ |x − t|^p y(t) dt / 5, whose kernel may be singular."""

    power: float = -0.5
    factor: float = 0.2
    domain = Box(x=(0.0, 1.0))

    def forcing(self, x: Any) -> Any:
        return torch.ones_like(x)

    def kernel(self, x: Any, t: Any) -> Any:
        return (x - t).abs().clamp_min(1e-12) ** self.power


class Forced(Problem):
    """Heat from a source along x, or, by a slip, from one along each axis."""

    column: bool = False
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y: Any) -> Any:
        return y.d("t") - y.d("x", "x") - torch.sin(y.x[..., :1] if self.column else y.x)

    @property
    def conditions(self) -> Any:
        return {"start": (self.domain.initial, Dirichlet()), "ends": (self.domain.boundary, Dirichlet())}


class Pair(Problem):
    """Two coupled outputs, each with its equation or, by a slip, only the first."""

    both: bool = True
    outputs = ("u", "v")
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y: Any) -> Any:
        u, v = y.value[..., :1], y.value[..., 1:]
        first = y.d("t") - y.d("x", "x") + u * v
        second = y.d("t", output="v") - y.d("x", "x", output="v") - u
        return (first, second) if self.both else first

    @property
    def conditions(self) -> Any:
        return {
            "start": (self.domain.initial, Dirichlet(1.0)),
            "ends": (self.domain.boundary, Dirichlet(1.0)),
        }


class Bar(Problem):
    """Heat along a bar, or one of the slips of those who write it."""

    conduction: float = 1.0
    power: int = 1  # of the residual
    height: float = 1.0
    at: float = 0.0
    end: float | None = None  # a second instant
    hot: float | None = None  # prescribed at one end again
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y: Any) -> Any:
        return (y.d("t") - self.conduction * y.d("x", "x")) ** self.power

    @property
    def conditions(self) -> Any:
        end = {} if self.end is None else {"end": (self.domain.at(t=self.end), Dirichlet())}
        hot = {} if self.hot is None else {"hot": (self.domain.at(x=0.0), Dirichlet(self.hot))}
        return {
            **end,
            **hot,
            "start": (self.domain.at(t=self.at), Dirichlet(self.height)),
            "ends": (self.domain.boundary, Dirichlet()),
        }


class Balance(Problem):
    """Second order in time, and a nonlinear term: a wave, or what is elliptic by a wrong sign."""

    sign: float = -1.0
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y: Any) -> Any:
        return y.d("t", "t") + self.sign * y.d("x", "x") + y.value**3

    @property
    def conditions(self) -> Any:
        return {
            "start": (self.domain.initial, Dirichlet(1.0)),
            "rate": (self.domain.initial, InitialVelocity()),
            "ends": (self.domain.boundary, Dirichlet(1.0)),
        }


def with_space(**space: Any) -> Search:
    return replace(SEARCH, space={**SEARCH.space, **space})


def found(name: str, asked: Study | Setup, cores: int = 1) -> list[Finding]:
    return [finding for finding in examine(Question(asked, cores)) if finding.check == name]


TRIPS: dict[str, tuple[str, Any, Any]] = {
    "batch-statistics": (
        "warning",
        Setup(HEAT.problem, HEAT.config.changed({"batch_norm": "before"})),
        HEAT,
    ),
    "cost": (
        "error",
        Setup(HEAT.problem, HEAT.config.changed({"batch_size": 1_000_000, "width": 4096})),
        None,  # says what a study costs in any case
    ),
    "early-stopping": (
        "warning",
        with_space(iterations=IntDistribution(400, 2_000)),
        with_space(iterations=IntDistribution(1_000, 2_000)),
    ),
    "edge-by-construction": ("note", with_space(iterations=IntDistribution(1_000, 2_000)), SEARCH),
    "backwards-in-time": ("warning", Setup.named(Bar(conduction=-1.0)), Setup.named(Bar())),
    "one-signed": ("warning", Setup.named(Bar(power=2)), Setup.named(Balance())),
    "zero-solution": ("warning", Setup.named(Bar(height=0.0)), Setup.named(Bar())),
    "data-outside": ("warning", Setup.named(Rates(scale=60.0)), Setup.named(Rates())),
    "few-seeds": ("warning", replace(ABLATION, replicates=5), ABLATION),
    "rough-quadrature": ("warning", Setup.named(Kernel()), Setup.named(Kernel(power=1.0))),
    "second-order-memory": (
        "error",
        Setup.named(HEAT.problem, "second-order").changed({"width": 1000, "batch_size": 100_000}),
        Setup.named(HEAT.problem, "second-order"),
    ),
    "missing-conditions": (
        "warning",
        Setup.named(Slab(("x_min", "x_max", "y_min"))),
        Setup.named(Slab()),
    ),
    "missing-equations": ("warning", Setup.named(Pair(both=False)), Setup.named(Pair())),
    "contradicting-conditions": ("warning", Setup.named(Bar(hot=1.0)), Setup.named(Bar(hot=0.0))),
    "surplus-conditions": ("warning", Setup.named(Bar(end=1.0)), Setup.named(Bar())),
    "surplus-residuals": ("warning", Setup.named(Forced()), Setup.named(Forced(column=True))),
    "unidentified-constants": ("warning", Setup.named(Rates()), Setup.named(Rates(product=False))),
    "vanishing-derivatives": (
        "warning",
        with_space(activation=CategoricalDistribution(["tanh", "relu"])),
        with_space(activation=CategoricalDistribution(["tanh", "sin"])),
    ),
}


def test_every_check_has_a_study_that_trips_it() -> None:
    assert set(TRIPS) == set(CHECKS.names())


@pytest.mark.parametrize("name", TRIPS)
def test_a_check_says_what_is_wrong_where_it_is_and_nothing_where_it_is_not(name: str) -> None:
    level, wrong, right = TRIPS[name]
    (finding, *_) = found(name, wrong)
    assert finding.level == level
    assert finding.why
    assert finding.remedy
    if right is not None:
        assert not found(name, right)


def test_two_conditions_on_one_part_stand_in_for_none_on_another() -> None:
    assert not found("missing-conditions", Setup.named(load_problem("heat-cauchy")))


def test_the_default_search_is_warned_of_nothing() -> None:
    assert not [f for f in examine(Question(load_study("heat-search"))) if f.level in ("error", "warning")]


def test_errors_stop_and_come_first() -> None:
    level, wrong, _ = TRIPS["cost"]
    findings = examine(Question(wrong))
    assert findings[0].level == level == "error"
    with pytest.raises(ConfigurationError, match="GiB of memory"):
        refuse(findings)
    refuse([finding for finding in findings if finding.level != "error"])


@pytest.mark.parametrize(
    ("problem", "orders"),
    [
        ("heat", {"x": 2, "t": 1}),
        ("exponential-decay", {"t": 1}),
        ("helmholtz", {"x": 2, "y": 2}),
        ("fredholm", {}),
    ],
)
def test_orders_of_derivatives_are_read_off_the_equation(problem: str, orders: dict[str, int]) -> None:
    assert derivative_orders(load_problem(problem)) == orders


def test_how_often_activations_can_be_differentiated() -> None:
    assert [smooth_to(name) for name in ("relu", "leaky_relu", "tanh", "sin")] == [1, 1, 4, 4]


def test_seeds_needed_are_the_fewest_that_can_tell() -> None:
    for comparisons in range(1, 12):
        n = seeds_needed(comparisons)
        assert least_p(n) * comparisons <= 0.05 < least_p(n - 1) * comparisons


def test_check_says_what_it_found_and_ends_with_2_where_it_would_stop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert check("heat", settings=["batch_size=1000000", "width=4096"], as_json=True) == 2
    told = capsys.readouterr()
    assert "Error: With these settings a training needs about" in told.err
    assert json.loads(told.out)["findings"][0]["check"] == "cost"
    assert check("heat-search", quick=True) == 0
    assert "found nothing to warn of" in capsys.readouterr().err


def test_check_plans_for_one_core_or_more() -> None:
    with pytest.raises(ConfigurationError, match="--cores 0 is not allowed"):
        check("heat", cores=0)


def test_show_prints_equation_space_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert show("heat-search", settings=["depth=3"]) == 0
    told = capsys.readouterr().err
    assert "u_t = κ u_xx" in told
    assert "numbers from 0.0001 to 0.1, logarithmic" in told
    assert "of one core" in told
    assert show("heat-batch-size") == 0
    assert "batch_size = 1024" in capsys.readouterr().err


def test_what_is_neither_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'heat-search'"):
        find("heat-serch")


def test_rungs_above_every_end_are_told_of_and_no_early_stopping_is_no_fault() -> None:
    (finding,) = found("early-stopping", replace(SEARCH, grace_period=2_000))
    assert finding.what == "No trial is longer than grace_period, 2,000 iterations."
    assert not found("early-stopping", replace(SEARCH, grace_period=2_000, early_stopping="none"))
    arrival = replace(SEARCH, grace_period=2_000, order="arrival")
    (finding,) = found("early-stopping", arrival)
    assert finding.remedy == "Lower grace_period, or say scheduler = 'fifo'."
    assert not found("early-stopping", replace(arrival, scheduler="fifo"))


def test_a_setting_that_would_change_the_objective_by_itself_is_refused_when_it_is_defined() -> None:
    """A slower diffusion has another solution: a search could win by choosing the easier equation."""
    with pytest.raises(ConfigurationError, match="it changes the solution of heat"):
        with_space(**{"problem.diffusivity": FloatDistribution(0.1, 1.0)})


@pytest.mark.parametrize(
    ("problem", "backwards"),
    [
        (Bar(at=1.0), True),
        (Bar(at=1.0, conduction=-1.0), False),
        (Bar(at=0.5), False),  # data in the middle
        (Balance(), False),
        (Balance(sign=1.0), True),
        (load_problem("kuramoto-sivashinsky"), False),  # which is backwards but for its fourth derivative
        (load_problem("burgers"), False),
    ],
)
def test_which_way_an_equation_runs(problem: Problem, backwards: bool) -> None:
    assert bool(found("backwards-in-time", Setup.named(problem))) is backwards


def test_laws_may_be_penalties_and_constants_may_be_squared() -> None:
    class Bounded(Bar):
        law: ClassVar[Any] = staticmethod(lambda y: torch.relu(-y.value))

        def equation(self, y: Any) -> Any:
            return y.d("t") + y.value**2 - y.d("x", "x")

        @property
        def conditions(self) -> Any:
            return {**super().conditions, "above": (self.domain.interior, Holds(type(self).law))}

    assert not found("one-signed", Setup.named(Bounded()))
    squared = type("Squared", (Bounded,), {"__module__": __name__, "law": staticmethod(lambda y: y.value**2)})
    (finding,) = found("one-signed", Setup.named(squared()))
    assert "'above' of squared is never negative" in str(finding)


def test_a_velocity_is_one_condition_too_many_for_heat_and_not_for_a_wave() -> None:
    class Pushed(Bar):
        @property
        def conditions(self) -> Any:
            return {**super().conditions, "rate": (self.domain.initial, InitialVelocity(1.0))}

    (finding,) = found("surplus-conditions", Setup.named(Pushed()))
    assert "'rate' of pushed prescribes a velocity" in str(finding)
    assert not found("surplus-conditions", Setup.named(Balance()))


def test_a_value_in_place_of_a_velocity_contradicts_the_start() -> None:
    class Pulled(Balance):
        @property
        def conditions(self) -> Any:
            return {**super().conditions, "rate": (self.domain.initial, Dirichlet())}

    (finding,) = found("contradicting-conditions", Setup.named(Pulled()))
    assert "'start' and 'rate' of pulled contradict each other" in str(finding)
    assert "a velocity at the start is InitialVelocity" in finding.remedy
    assert not found("contradicting-conditions", Setup.named(Balance()))


def test_a_value_and_a_flux_on_one_part_do_not_contradict_each_other() -> None:
    class Both(Bar):
        @property
        def conditions(self) -> Any:
            return {**super().conditions, "flux": (self.domain.at(x=0.0), Neumann(1.0))}

    assert not found("contradicting-conditions", Setup.named(Both()))


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (lambda y: y.d("t", output="v") - y.gradient(output="v") - y.d(output="u"), True),
        (lambda y: y.d("t", output="v") - y.d("x", "x", output="v") - y.value, True),
        (lambda y: y.d("t", output="v") - y.d("x", "x", output="v") - y.d(output="u"), False),
    ],
)
def test_an_equation_of_a_system_with_a_column_too_many_is_told(second: Any, said: bool) -> None:
    class Two(Pair):
        def equation(self, y: Any) -> Any:
            return y.d("t") - y.d("x", "x") + y.d(output="v"), second(y)

    assert bool(found("surplus-residuals", Setup.named(Two()))) is said
