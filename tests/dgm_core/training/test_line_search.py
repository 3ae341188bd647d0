"""The line search: its answer satisfies the strong Wolfe conditions, from any first step."""

from __future__ import annotations

import math

import pytest

from dgm_core.training.optimizers.line_search import LinePoint, LineSearch, Verdict, cubic_minimum

# Moré and Thuente (1994), functions 1 to 3: (φ, φ'); and two with cliffs.
FUNCTIONS = {
    "more-thuente 1": (lambda a: -a / (a * a + 2), lambda a: (a * a - 2) / (a * a + 2) ** 2),
    "more-thuente 2": (
        lambda a: (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4,
        lambda a: 5 * (a + 0.004) ** 4 - 8 * (a + 0.004) ** 3,
    ),
    "exponential": (lambda a: math.exp(min(a, 700.0)) - 3 * a, lambda a: math.exp(min(a, 700.0)) - 3),
    "not finite beyond 1": (
        lambda a: (a - 0.7) ** 2 if a < 1 else math.nan,
        lambda a: 2 * (a - 0.7) if a < 1 else math.nan,
    ),
    "infinite beyond 1": (
        lambda a: (a - 0.7) ** 2 if a < 1 else math.inf,
        lambda a: 2 * (a - 0.7) if a < 1 else -1.0,
    ),
}


def search(function, first):
    value, slope = function
    line = LineSearch.begin(value(0.0), slope(0.0), first)
    for trials in range(1, 30):
        step = line.step
        verdict = line.tell(value(step), slope(step))
        if verdict is not Verdict.CONTINUE:
            return verdict, step, trials
    raise AssertionError("the search does not end")


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_answer_satisfies_the_strong_wolfe_conditions(name, first):
    value, slope = FUNCTIONS[name]
    verdict, step, trials = search((value, slope), first)
    assert verdict is Verdict.ACCEPT
    assert value(step) <= value(0.0) + 1e-3 * step * slope(0.0)
    assert abs(slope(step)) <= 0.9 * abs(slope(0.0))
    assert trials <= 15


def test_a_first_step_that_serves_is_taken():
    assert search(FUNCTIONS["more-thuente 1"], 1.2)[1:] == (1.2, 1)


def test_a_line_that_only_rises_fails_after_a_bounded_number_of_trials():
    verdict, _, trials = search((lambda a: a, lambda a: -1.0), 1.0)
    assert verdict is Verdict.FAIL
    assert trials <= 20


def test_without_a_flatter_step_the_lowest_is_taken():
    """The slope jumps from −1 to 10: no step satisfies the second condition."""
    value, slope = (lambda a: -a if a < 1 else 10 * a - 11), (lambda a: -1.0 if a < 1 else 10.0)
    verdict, step, trials = search((value, slope), 0.3)
    assert verdict is Verdict.ACCEPT
    assert step == pytest.approx(1.0, abs=0.01)
    assert trials <= 21


def test_steps_grow_where_the_first_is_far_too_short():
    verdict, step, trials = search((lambda a: (a - 1e6) ** 2, lambda a: 2 * (a - 1e6)), 1e-3)
    assert verdict is Verdict.ACCEPT
    assert 1e5 <= step <= 2e6
    assert trials <= 15


def test_a_search_goes_on_from_its_state():
    value, slope = FUNCTIONS["more-thuente 2"]
    line = LineSearch.begin(value(0.0), slope(0.0), 1e-3)
    for _ in range(2):
        line.tell(value(line.step), slope(line.step))
    other = LineSearch.from_state(line.state())
    assert other == line
    assert isinstance(other.low, LinePoint)


def test_the_minimum_of_a_cubic_is_found_from_both_ends():
    def cubic(a):
        return LinePoint(a, a**3 - 3 * a, 3 * a**2 - 3)  # least at 1

    for ends in ((0.0, 2.0), (2.0, 0.0), (0.5, 0.8)):
        assert cubic_minimum(*map(cubic, ends)) == pytest.approx(1.0)
    assert cubic_minimum(LinePoint(0.0, 0.0, -1.0), LinePoint(1.0, -1.0, -1.0)) is None
