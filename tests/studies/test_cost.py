"""The cost model: what it says of the optimizers, whose steps differ by a factor of a hundred."""

from __future__ import annotations

import pytest

from dgm_core import Setup, load_problem
from dgm_core.training.optimizers import OPTIMIZERS, Minimiser
from studies.cost import iteration_cost, polish_cost, training_times

SETUP = Setup.named(load_problem("heat")).changed({"width": 20, "batch_size": 200, "iterations": 100})


def cost(optimizer: str, replicates: int = 1, **changes: object) -> float:
    return iteration_cost(SETUP.changed({"optimizer": optimizer, **changes}), replicates)


def test_a_first_order_step_costs_layers_and_products() -> None:
    """3 hidden layers and one more; 4 regions of 200 points, 921 parameters."""
    expected = 0.126 * 4 + 1.44e-7 * 800 * 921
    assert [cost(name) for name in ("adam", "soap", "sgd")] == pytest.approx([expected] * 3)


def test_a_gauss_newton_step_costs_the_smaller_of_its_systems() -> None:
    """800 residuals and 921 parameters, then 8 residuals: the matrix products vanish."""
    matrix = cost("gauss-newton") - 20 * cost("adam")
    assert matrix == pytest.approx(3e-8 * 800 * 921 * 800)
    assert cost("gauss-newton", replicates=3) - 20 * cost("adam", replicates=3) == pytest.approx(3 * matrix)
    assert cost("gauss-newton", batch_size=2) < 21 * cost("adam", batch_size=2)


def test_points_of_hard_conditions_cost_a_matrix_method_nothing_and_others_what_they_always_did() -> None:
    hard = {"hard_conditions": True}
    for name in ("adam", "soap", "lbfgs"):
        assert cost(name, **hard) == cost(name)
    products = [cost(name, **hard) - 20 * 0.126 * 4 for name in ("gauss-newton", "spring")]
    gradients, matrices = 20 * 1.44e-7 * 200 * 921, 3e-8 * 200 * 921 * 200
    assert products == pytest.approx([gradients + matrices] * 2)
    assert cost("ssbroyden", **hard) < cost("ssbroyden")


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if issubclass(OPTIMIZERS.get(name), Minimiser)])
def test_a_polish_costs_the_steps_of_its_optimizer(name: str) -> None:
    polished = SETUP.changed({"polish": name, "polish_iterations": 7, "polish_points": 200})
    (whole,), (plain,) = (training_times(setup, 2, (100,)) for setup in (polished, SETUP))
    step = cost(name, replicates=2)
    assert whole - plain == pytest.approx(7 * step)
    assert polish_cost(polished, 2) == pytest.approx(7 * step / iteration_cost(SETUP, 2))
