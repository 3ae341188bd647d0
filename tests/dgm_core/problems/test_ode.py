"""Ordinary differential equations by their rates: equation, reference, windows and hard start follow."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Setup, Trainer
from dgm_core.formulation import ODE, Box, Trained

torch.set_num_threads(1)


class Spring(ODE):
    """x″ = −x from rest at 1: cos t."""

    outputs = ("x", "v")
    start = (1.0, 0.0)
    domain = Box(t=(0.0, 2.0))

    def rate(self, t, x, v):
        return v, -x


class Forced(ODE):
    """y′ = cos t + 1 − 1: a single rate, of t alone but for a number."""

    start = (0.0,)
    domain = Box(t=(0.0, 2.0))

    def rate(self, t, y):
        return torch.cos(t) + 0.0 * y


def test_the_reference_is_the_solution() -> None:
    t = torch.linspace(0.0, 2.0, 7, dtype=torch.float64)[:, None]
    expected = torch.cat([torch.cos(t), -torch.sin(t)], dim=1)
    torch.testing.assert_close(Spring().reference(t), expected, rtol=0, atol=1e-8)
    torch.testing.assert_close(Forced().reference(t), torch.sin(t), rtol=0, atol=1e-8)


def test_stiff_kinetics_have_a_reference() -> None:
    class Robertson(ODE):
        outputs = ("a", "b", "c")
        start = (1.0, 0.0, 0.0)
        domain = Box(t=(0.0, 40.0))

        def rate(self, t, a, b, c):
            first, second, third = 0.04 * a, 1e4 * b * c, 3e7 * b**2
            return second - first, first - second - third, third

    (end,) = Robertson().reference(torch.tensor([[40.0]], dtype=torch.float64)).tolist()
    assert end == pytest.approx([0.7158, 9.185e-6, 0.2842], rel=1e-3)  # Hairer and Wanner, II, IV.1


def test_windows_and_a_hard_start_follow() -> None:
    changes = {
        "iterations": 20,
        "width": 8,
        "depth": 1,
        "batch_size": 16,
        "windows": 2,
        "hard_conditions": True,
    }
    trainer = Trainer(
        Setup.named(Spring()).changed({**changes, "polish_iterations": 60, "polish_points": 20}), [0, 1]
    )
    trainer.advance(20)
    assert max(trainer.evaluate().rel_l2) < 1e-2
    assert trainer.operations is not None
    begin = trainer.network(torch.zeros(2, 1, 1))
    torch.testing.assert_close(begin.float(), torch.tensor([1.0, 0.0]).expand(2, 1, 2))


def test_an_unknown_rate_has_a_reference_where_its_truth_is_known() -> None:
    class Decay(ODE):
        start = (1.0,)
        domain = Box(t=(0.0, 1.0))
        k: float = Trained(1.0, truth=2.0)

        def rate(self, t, y):
            return -self.k * y

    class Unknown(Decay):
        k: float = Trained(1.0)

    one = torch.ones(1, 1, dtype=torch.float64)
    assert Decay().with_true_constants().reference(one).item() == pytest.approx(math.exp(-2.0))
    assert Unknown().reference_kind == "none"


def test_what_does_not_fit_is_refused() -> None:
    class TwoStarts(Forced):
        start = (0.0, 1.0)

    class OneRate(Spring):
        def rate(self, t, x, v):
            return v

    with pytest.raises(ConfigurationError, match="it must have a value for each of the outputs y"):
        TwoStarts()
    with pytest.raises(ConfigurationError, match="gives 1 value for 2 outputs"):
        OneRate()


def test_a_class_defined_again_has_a_reference_of_its_own() -> None:
    """As in a notebook, in which one corrects a number and runs the cell again."""

    def defined(rate: float) -> ODE:
        def rates(self, t, y):
            return -rate * y

        body = {"start": (1.0,), "domain": Box(t=(0.0, 2.0)), "rate": rates, "__module__": __name__}
        return type("Cooling", (ODE,), body)()

    one = torch.ones(1, 1, dtype=torch.float64)
    for rate in (1.0, 1.05, 3.0):
        assert defined(rate).reference(one).item() == pytest.approx(math.exp(-rate), rel=1e-6)


def test_a_solution_that_grows_without_bound_is_said() -> None:
    """y′ = y² from 1 is infinite at t = 1: an adaptive method would go there in ever smaller steps."""

    class Explodes(ODE):
        outputs = ("y",)
        start = (1.0,)
        domain = Box(t=(0.0, 2.0))

        def rate(self, t, y):
            return y**2

    with pytest.raises(ConfigurationError, match=r"explodes cannot be solved .* reached t = 1 with y = "):
        Explodes()
