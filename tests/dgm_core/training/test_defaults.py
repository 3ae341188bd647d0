"""The settings of a problem that names none, by its kind, and what a shorter training makes of them."""

from __future__ import annotations

import pytest

from dgm_cli.solve import shortening
from dgm_core import Problem, Setup
from dgm_core.formulation import ODE, Box, Dirichlet, Holds, Neumann, Trained


class Rod(Problem):
    """u_t = u_xx on [0, 1]², cold at its ends and at first."""

    domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))

    def equation(self, y):
        return y.d("t") - y.d("x", "x") - 1.0

    @property
    def conditions(self):
        return {"start": (self.domain.initial, Dirichlet()), "ends": (self.domain.boundary, Dirichlet())}


class Insulated(Rod):
    @property
    def conditions(self):
        ends = [(f"end {x:g}", (self.domain.at(x=x), Neumann())) for x in (0.0, 1.0)]
        return {"start": (self.domain.initial, Holds(lambda y: y.value**3)), **dict(ends)}


class Decay(ODE):
    start = (1.0,)
    outputs = ("u",)
    domain = Box(t=(0.0, 1.0))

    def rate(self, t, u):
        return -u


class Unknown(Decay):
    k: float = Trained(1.0, truth=1.0)

    def rate(self, t, u):
        return -self.k * u


def test_defaults_follow_the_kind_of_problem():
    """Hard where there is a form, windows where time can be cut, a polish in all of them."""
    rod, insulated, decay, unknown = (Setup.named(kind()).config for kind in (Rod, Insulated, Decay, Unknown))
    assert [one.hard_conditions for one in (rod, insulated, decay)] == [True, False, True]
    assert [one.windows for one in (rod, decay, unknown)] == [1, 10, 1]
    assert unknown.iterations > decay.iterations
    assert all(one.polish_iterations for one in (rod, insulated, decay, unknown))
    plain = Setup.named(Rod(), "plain").config
    assert (plain.hard_conditions, plain.polish_iterations, plain.iterations) == (False, 0, 15_000)


def test_a_setting_may_be_a_function_of_the_problem():
    class Wide(Rod):
        settings = {"default": {"width": lambda problem: 4 * len(problem.inputs)}}  # noqa: RUF012

    assert Setup.named(Wide()).config.width == 8


@pytest.mark.parametrize(
    ("iterations", "windows", "polish"),
    [(500, 10, 250), (5, 5, 2), (1, 1, 1), (1_000, 10, 500), (4_000, 10, 500)],
)
def test_a_shorter_setup_has_a_shorter_polish_and_no_empty_window(iterations, windows, polish):
    config = Setup.named(Decay()).shortened(iterations).config
    assert (config.iterations, config.windows, config.polish_iterations) == (iterations, windows, polish)


def test_no_polish_is_a_choice_like_any_other():
    setup = Setup.named(Rod())
    without = setup.changed({"polish": "none"})
    assert without.config.polish_iterations == 0
    assert without.changed({"polish": "ssbroyden", "polish_iterations": 5}).config.polish_iterations == 5
    assert setup.shortened(100).changed({"polish": "none"}).config.polish_iterations == 0


def test_what_iterations_shorten_is_told():
    start = Setup.named(Decay())
    told = shortening(start, start.shortened(500))
    assert "500 of 1,000 iterations, over 10 windows, and a polish of at most 250 in place of 500" in told
    assert "and no polish" in shortening(start, start.shortened(500).changed({"polish": "none"}))
    plain = Setup.named(Rod(), "plain")
    assert shortening(plain, plain.shortened(500)) == ""
