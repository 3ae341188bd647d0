"""What people forget where they write a problem is one sentence that says what to write."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import ODE, Box, Dirichlet, Measured, Neumann, Periodic, Problem, Table


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
    "an unknown part": (
        {"conditions": held(lambda self: (self.domain.parts["left"], Dirichlet()))},
        "unknown part of the boundary of slip 'left': it must be one of x_max, x_min",
    ),
    "an output too many": (
        {"conditions": held(lambda self: (self.domain.boundary, Dirichlet(output=1)))},
        "output=1 is not allowed: there is 1 output",
    ),
    "a text for outputs": ({"outputs": "u"}, r"must be a tuple of names, \('u',\)"),
    "an output twice": ({"outputs": ("u", "u")}, "different names"),
    "a list for a parameter": (
        {"__annotations__": {"k": list}, "k": [1.0]},
        "write a tuple in place of a list",
    ),
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
