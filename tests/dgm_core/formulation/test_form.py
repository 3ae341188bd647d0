"""What people forget where they write a problem is one sentence that says what to write."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from dgm_core import Setup
from dgm_core.errors import ConfigurationError
from dgm_core.formulation import (
    ODE,
    Axis,
    Box,
    Dirichlet,
    Holds,
    InitialValueProblem,
    Integral,
    Measured,
    Neumann,
    Periodic,
    Problem,
    Table,
)
from dgm_core.formulation.evaluation_set import sobol_points
from studies.preflight.question import derivative_orders

ONE = torch.tensor([[0.5]], dtype=torch.float64)


class Rod(Problem):
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 1.0

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}


def method(self: Any) -> Any:
    return {"ends": (self.domain.boundary, Dirichlet())}


def held(make: Callable[[Any], Any], term: str = "ends") -> property:
    return property(lambda self: {term: make(self)})


SLIPS: dict[str, tuple[dict[str, Any], str]] = {
    "a comma behind the domain": ({"domain": (Box(x=(0.0, 1.0)),)}, "the comma behind it makes a tuple"),
    "a class for a domain": ({"domain": Box}, r"write Box\(…\)"),
    "a domain without @property": ({"domain": lambda self: Box(x=(0.0, 1.0))}, "write @property"),
    "conditions without @property": ({"conditions": method}, "is a method: write @property"),
    "a list of conditions": ({"conditions": [1]}, "must be a dictionary, .* it is a list"),
    "what before where": (
        {"conditions": held(lambda self: (Dirichlet(), self.domain.boundary))},
        "the condition before the region",
    ),
    "a condition alone": ({"conditions": held(lambda self: Dirichlet())}, "must be a pair"),
    "a class for a condition": (
        {"conditions": held(lambda self: (self.domain.boundary, Dirichlet))},
        r"write Dirichlet\(…\)",
    ),
    "a function for a condition": (
        {"conditions": held(lambda self: (self.domain.boundary, lambda y: y.value))},
        "`Holds` takes any law",
    ),
    "a name for a place": ({"conditions": held(lambda self: ("x_min", Dirichlet()))}, "begin with a region"),
    "the equation's name": (
        {"conditions": held(lambda self: (self.domain.boundary, Dirichlet()), "interior")},
        "the equation's own term has that name",
    ),
    "a file for a table": (
        {"conditions": held(lambda self: Measured("values.csv"))},
        "must have a table, as Table.read makes it: it is a str",
    ),
    "data of another axis more": (
        {"conditions": held(lambda self: Measured(Table(torch.zeros(3, 2), torch.zeros(3, 1))))},
        "has points of 2 columns: they must be the axes x",
    ),
    "a place for data": (
        {"conditions": held(lambda self: (self.domain.boundary, Measured(Table(ONE, ONE))))},
        "measured data bring their own points",
    ),
    "no return": ({"equation": lambda self, y: None}, "it is None, as where `return` is missing"),
    "a dictionary for a system": ({"equation": lambda self, y: {"u": y.value}}, "or a tuple of them"),
    "the points as an argument": (
        {"equation": lambda self, u, x: u},
        "it is called with one argument",
    ),
    "a parameter's name alone": ({"k": 1.0, "equation": lambda self, y: k * y.value}, "write self.k"),  # noqa: F821
    "a mistyped parameter": (
        {"rate": 1.0, "equation": lambda self, y: self.Rate * y.value},
        "did you mean 'rate'",
    ),
    "a subscript": ({"equation": lambda self, y: y.u_xx}, r"y.d\('x'\) a derivative"),
    "torch.gradient": (
        {"equation": lambda self, y: torch.gradient(y.value)[0]},
        r"write y.d\('x'\) for derivatives",
    ),
    "an integral of a tensor": (
        {"equation": lambda self, y: y.value - Integral()(y.value)},
        "called with y itself",
    ),
    "an integral not called": ({"equation": lambda self, y: y.value - Integral()}, "called with y, as in"),
    "a number for an integrand": (
        {"equation": lambda self, y: y.value - Integral(1.0)(y)},
        "the integrand 1.0 of an Integral is not allowed",
    ),
    "an unknown part": (
        {"conditions": held(lambda self: (self.domain.parts["left"], Dirichlet()))},
        "unknown part of the boundary of slip 'left': it must be one of x_max, x_min",
    ),
    "an output too many": (
        {"conditions": held(lambda self: (self.domain.boundary, Dirichlet(output=1)))},
        "output=1 is not allowed: there is one output",
    ),
    "truth for an output": (
        {"conditions": held(lambda self: (self.domain.boundary, Dirichlet(output=False)))},
        "output=False is not allowed",
    ),
    "data for more outputs than there are": (
        {
            "outputs": ("u", "v"),
            "equation": lambda self, y: (y.d("x", "x"), y.d("x", output="v")),
            "conditions": held(lambda self: (self.domain.boundary, Dirichlet((0.0, 1.0, 2.0)))),
        },
        r"must be \(1, 5, 1\) or \(1, 5, 2\) for points \(1, 5, 1\)\.$",
    ),
    "a text for outputs": ({"outputs": "u"}, r"must be a tuple of names, \('u',\)"),
    "an output twice": ({"outputs": ("u", "u")}, "different names"),
    "a list for a parameter": (
        {"__annotations__": {"k": list}, "k": [1.0]},
        "write a tuple in place of a list",
    ),
    "numbers for a method": (
        {"initial_state": (1.0,), "reference": 2.0},
        "`reference` of slip must be a method",
    ),
    "a parameter of a method's name": (
        {"__annotations__": {"energy": float}, "energy": 2.0},
        r"`energy` of slip must be a method, def energy\(self, …\): it is a float",
    ),
    "hard terms without @property": (
        {"hard_terms": lambda self: ("ends",)},
        "`hard_terms` of slip is a method",
    ),
    "the field as a tensor": ({"equation": lambda self, y: y.d("x") - 2.0 * y}, "y.value is the field"),
    "a column of the field itself": ({"equation": lambda self, y: y[..., :1]}, "y.value is the field"),
    "an integrand of the nodes themselves": (
        {"equation": lambda self, y: y.d("x") - Integral(lambda s: torch.sin(s))(y)},
        "s.value is the field there",
    ),
    "an order by a word": ({"equation": lambda self, y: y.d("x", order=2)}, r"write y\.d\('x', 'x'\) for"),
    "an output for an axis": ({"equation": lambda self, y: y.d("x", "u")}, "an output; write output='u'"),
    "a mean over all points": (
        {"equation": lambda self, y: y.d("x").mean()},
        r"the shape \(\), where it must be \(1, 5, 1\) .*one number, and not one for each",
    ),
    "equations in a stack": (
        {"equation": lambda self, y: torch.stack((y.d("x"), y.value))},
        "as a tuple, and not by torch.stack",
    ),
    "a start without time": (
        {"conditions": held(lambda self: (self.domain.initial, Dirichlet()))},
        "has no initial time: none of its axes is called 't'",
    ),
    "settings without a name": ({"settings": {"depth": 4}}, "must be settings by name"),
    "no settings": ({"settings": {}}, "must be settings by name"),
    "a text for a tolerance": ({"reference_tolerance": "small"}, "reference_tolerance = 'small' of slip"),
    "no tolerance": ({"reference_tolerance": None}, "must be a number of 0 or more"),
    "a text for a resolution": ({"resolution": "40"}, "must be a whole number above 0"),
    "a text for a truth": ({"well_posed": "no"}, "must be True or False"),
    "a number for scales": ({"scales": 3.0}, "must be a dictionary"),
    "a text for a scale": ({"scales": {"u": "large"}}, "scales of 'u' = large in slip is not allowed"),
    "a file for the table": ({"table": "values.csv"}, "must be a table, as Table.read makes it"),
    "a text for hard terms": ({"hard_terms": "ends"}, r"a tuple of names, such as \('ends',\)"),
    "a text for a parameter": ({"__annotations__": {"k": float}, "k": "one"}, "problem.k = 'one' is not"),
    "math": ({"equation": lambda self, y: y.d("x") - math.sin(y.x)}, "compute with torch, not with `math`"),
    "numpy": ({"equation": lambda self, y: y.d("x") - np.sin(y.x)}, "compute with torch, as torch.sin"),
    "if": ({"equation": lambda self, y: y.d("x") if y.x < 0.5 else y.value}, "`torch.where` chooses"),
    "max": ({"equation": lambda self, y: y.d("x") - max(y.value, 0.0)}, "`torch.clamp` in place of `max`"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_one_sentence(slip: str) -> None:
    changes, sentence = SLIPS[slip]
    with pytest.raises(ConfigurationError, match=sentence):
        type("Slip", (Rod,), {"__module__": __name__, **changes})()


def test_measured_data_bring_their_own_place() -> None:
    t = torch.tensor([[0.5]], dtype=torch.float64)

    class Data(Rod):
        @property
        def conditions(self):
            return {**super().conditions, "data": Measured(Table(t, t))}

    assert Data().measured_terms == ("data",)


def test_a_periodic_condition_of_any_order_is_about_something() -> None:
    """On [0, 2] both ends of a field that repeats itself are equal to the last bit."""

    class Around(Problem):
        domain = Box(x=(0.0, 2.0), t=(0.0, 0.5))

        def equation(self, y):
            return y.d("t") + y.d("x", "x", "x")

        @property
        def conditions(self):
            wave = Dirichlet(lambda p: torch.cos(math.pi * p[..., :1]))
            around = (self.domain.at(x=0.0), Periodic(self.domain.axes[0], 2))
            return {"start": (self.domain.initial, wave), "around": around}

    assert set(Around().hard_terms) == {"start", "around"}


def test_a_rate_of_numbers_and_a_flux_are_no_slips() -> None:
    class Steady(ODE):
        outputs = ("y",)
        start = (1,)
        domain = Box(t=(0.0, 1.0))

        def rate(self, t, y):
            return -2 * y

    class Flux(Rod):
        @property
        def conditions(self):
            return {**super().conditions, "flux": (self.domain.at(x=0.0), Neumann(0.5))}

    assert Steady().starts == (1,)
    assert Flux().terms == ("interior", "ends", "flux")


def test_an_ode_is_in_time() -> None:
    changes = {"domain": Box(x=(0.0, 1.0)), "start": (1.0,), "rate": lambda self, t, y: -y}
    with pytest.raises(ConfigurationError, match=r"must be time alone, .* it has the axis x"):
        type("Slip", (ODE,), {"__module__": __name__, **changes})()


def test_a_wrong_key_in_the_settings_of_a_class_says_where_it_is() -> None:
    changes = {"__module__": __name__, "settings": {"default": {"dept": 4}}}
    with pytest.raises(ConfigurationError, match=r"settings 'default' of slip: unknown key 'dept'"):
        Setup.named(type("Slip", (Rod,), changes)())


def test_a_parameter_without_its_type_is_told_to_have_one() -> None:
    slip = type("Slip", (Rod,), {"__module__": __name__, "speed": 2.0})
    with pytest.raises(ConfigurationError, match=r"its type is missing; write `speed: float = 2\.0` in the"):
        slip.create({"speed": 3.0})


def two_outputs(u: str | int, v: str | int, around: str | Axis) -> Problem:
    class Waves(Problem):
        outputs = ("u", "v")
        domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

        def equation(self, y):
            along = y.directional(torch.eye(2).double()[None, None, :1], output=v)
            total = Integral(lambda s: s.d(output=v) * s.d("x", output=u), over="x")(y)
            first = y.d("t", output=u) - y.laplacian(output=v) - y.d("x", output=v) ** 2 + along + total
            return torch.cat((first, y.gradient(output=v)[..., 1:] - y.d(output=u)), dim=-1)

        @property
        def conditions(self):
            start = self.domain.initial
            return {
                "u": (start, Dirichlet(1.0, output=u)),
                "v": (start, Holds(lambda y: y.d(output=v) - torch.sin(2 * math.pi * y.x[..., :1]))),
                "ring": (self.domain.parts["x_min"], Periodic(around)),
            }

    return Waves()


def test_outputs_and_axes_are_known_by_name() -> None:
    named, counted = two_outputs("u", "v", "x"), two_outputs(0, 1, Axis("x", 0.0, 1.0))
    assert named.hard_terms == counted.hard_terms == ("ring", "u", "v")
    assert named.periodic == ("x",)
    points = {term: sobol_points(at, 4)[None] for term, at in named.regions().items()}
    weights = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).double()
    fields = (lambda x: torch.sin(x @ weights), lambda x: named.constrain(x, torch.sin(x @ weights)))
    for field in fields:
        of_named, of_counted = named.residuals(field, points), counted.residuals(field, points)
        assert all(torch.equal(of_named[term], of_counted[term]) for term in counted.terms)
        assert of_named["interior"].abs().min() > 0.0
    assert derivative_orders(named) == {"t": 1, "x": 2}


def test_systems_laws_and_data_may_be_tuples() -> None:
    def pair(joined: bool) -> Problem:
        def together(*parts: torch.Tensor) -> Any:
            return torch.cat(parts, dim=-1) if joined else parts

        def start(p: torch.Tensor) -> Any:
            wave = torch.sin(math.pi * p[..., :1])
            return together(wave, 0.0 * wave) if joined else (wave, 0.0)

        class Pair(Problem):
            outputs = ("u", "v")
            domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

            def equation(self, y):
                u, v = y.d(output="u"), y.d(output="v")
                return together(y.d("t", output="u") - v, y.d("t", output="v") - y.d("x", "x") - u * v)

            @property
            def conditions(self):
                ends = Holds(lambda y: together(y.d(output="u"), y.d(output="v")))
                return {
                    "start": (self.domain.initial, Dirichlet(start)),
                    "ends": (self.domain.boundary, ends),
                }

        return Pair()

    tuples, tensors = pair(joined=False), pair(joined=True)
    points = {term: sobol_points(at, 4)[None] for term, at in tuples.regions().items()}
    assert tuples.hard_terms == tensors.hard_terms == ("start",)
    weights = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).double()
    for field in (lambda x: torch.sin(x @ weights), lambda x: tuples.constrain(x, torch.sin(x @ weights))):
        of_tuples, of_tensors = tuples.residuals(field, points), tensors.residuals(field, points)
        assert all(torch.equal(of_tuples[term], of_tensors[term]) for term in tensors.terms)
    assert type("Both", (type(tuples),), {"conditions": held(both)})().hard_terms == ("ends",)


def both(self: Any) -> Any:
    return self.domain.boundary, Dirichlet((0.0, lambda p: torch.sin(p[..., 1:])))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda self: (self.domain.boundary, Dirichlet(0.0, "w")), "unknown output 'w': it must be u"),
        (
            lambda self: (self.domain.boundary, Neumann(0.0, 3)),
            "output=3 is not allowed",
        ),
        (lambda self: (self.domain.at(x=0.0), Periodic("y")), "unknown axis 'y': it must be x"),
        (lambda self: (self.domain.boundary, Dirichlet("0")), "must be a number, a tensor, or a function"),
        (lambda self: (self.domain.boundary, Dirichlet(lambda p: None)), "it is a NoneType"),
    ],
)
def test_a_name_that_is_none_and_data_that_are_no_numbers_are_refused(
    make: Callable[[Any], Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        type("Slip", (Rod,), {"__module__": __name__, "conditions": held(make)})()


class Moving(Problem):
    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        return self.law(y)

    @property
    def conditions(self):
        return {"start": (self.domain.initial, Dirichlet(1.0)), "ends": (self.domain.boundary, Dirichlet())}


def by_autograd(self: Any, y: Any) -> Any:
    return y.d("t") - torch.autograd.grad(y.value.sum(), y.x, create_graph=True)[0][..., :1]


@pytest.mark.parametrize(
    ("law", "said"),
    [
        (by_autograd, r"write y\.d\('x', 'x'\) for derivatives, and not `torch\.autograd`"),
        (lambda self, y: y.d("t") - y.t, r"the values of the axis t are y\.x\[\.\.\., 1:2\]"),
        (lambda self, y: y.d("t") - y.u, r"the values of the output u are y\.value\[\.\.\., 0:1\]"),
        (lambda self, y: y.d("t") - y.velocity, "y has no attribute 'velocity'"),
        (lambda self, y: y.d("t") - y.d("x", 2), r'name the axis once for each order, as in d\("x", "x"\)'),
    ],
)
def test_derivatives_are_asked_for_as_there_are(law: Callable[[Any, Any], Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        type("Slip", (Moving,), {"__module__": __name__, "law": law})()


def test_a_box_without_names_is_told_to_name_its_axes() -> None:
    with pytest.raises(ConfigurationError, match=r"Box\(\(0\.0, 1\.0\)\) is not allowed: name each axis"):
        Box((0.0, 1.0))


def test_what_is_no_pair_of_numbers_bounds_no_box() -> None:
    with pytest.raises(ConfigurationError, match=r"x=1\.0 of a Box .* a pair of numbers"):
        Box(x=1.0, t=(0.0, 1.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (lambda self, x, t: x, "the reference of slip cannot be computed at points"),
        (lambda self, p: (p[..., :1], p[..., 1:]), r"gives a tuple: join outputs by torch\.cat"),
        (lambda self, p: torch.sin(p[..., 0]), r"write x\[\.\.\., :1\] for a coordinate, and not x"),
    ],
)
def test_a_reference_that_gives_no_tensor_is_refused(reference: Callable[..., Any], said: str) -> None:
    changes = {"__module__": __name__, "reference": reference, "law": lambda self, y: y.d("t")}
    with pytest.raises(ConfigurationError, match=said):
        type("Slip", (Moving,), changes)()


def test_residuals_of_one_s_own_may_differentiate_the_field_themselves() -> None:
    class Own(Problem):
        domain = Box(x=(0.0, 1.0))

        def regions(self):
            return {"interior": self.domain.interior}

        def residuals(self, u, points):
            x = points["interior"].detach().requires_grad_()
            return {"interior": torch.autograd.grad(u(x).sum(), x, create_graph=True)[0] - 1.0}

    assert Own().terms == ("interior",)


def test_the_start_of_any_initial_value_problem_may_be_numbers() -> None:
    class Decay(InitialValueProblem):
        domain = Box(t=(0.0, 1.0))
        outputs = ("a", "b")
        start = (1.0, 2.0)

        def equation(self, y):
            return y.d("t", output="a") + y.d(output="a"), y.d("t", output="b")

    assert Decay().state_at_start().tolist() == [[1.0, 2.0]]
    for state in ((3.0, 4.0), torch.tensor([3.0, 4.0]), torch.tensor([[[3.0, 4.0]]])):
        body = {"__module__": __name__, "initial_state": lambda self, like, state=state: state}
        assert type("Given", (Decay,), body)().state_at_start().tolist() == [[3.0, 4.0]]
    for wrong, said in (({"start": 1.0}, "must be a tuple"), ({"start": (1.0,)}, "each of the outputs a, b")):
        with pytest.raises(ConfigurationError, match=said):
            type("Wrong", (Decay,), {"__module__": __name__, **wrong})()
    with pytest.raises(ConfigurationError, match=r"`initial_state` of wrong .* `start = \(…\)` takes"):
        type("Wrong", (Decay,), {"__module__": __name__, "initial_state": (1.0, 2.0)})()


def test_a_table_may_be_made_of_arrays_and_of_columns() -> None:
    table = Table(np.linspace(0.0, 1.0, 3), [1.0, 2.0, 3.0])
    assert table.points.tolist() == [[0.0], [0.5], [1.0]]
    assert table.values.dtype == torch.float64
    with pytest.raises(ConfigurationError, match="the values of a table must be numbers"):
        Table(np.linspace(0.0, 1.0, 3), ["a", "b", "c"])
