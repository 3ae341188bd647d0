"""Sums of waves come as close to a smooth function as is asked, whatever the axes."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core.formulation import Axis
from dgm_core.formulation.expansion import Expansion

AROUND, ACROSS, UP = Axis("x", 0.0, 2.0 * math.pi), Axis("x", -1.0, 3.0), Axis("y", 0.0, 1.0)


def _random(axes: tuple[Axis, ...]) -> torch.Tensor:
    unit = torch.rand(400, len(axes), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    lower, upper = (torch.tensor([getattr(a, end) for a in axes]) for end in ("lower", "upper"))
    return lower + (upper - lower) * unit


FUNCTIONS = {
    "around": ((AROUND,), ("x",), lambda x: torch.exp(torch.cos(x)), 33),
    "across": ((ACROSS,), (), lambda x: torch.exp(x) * torch.sin(3.0 * x), 65),
    "both": ((AROUND, UP), ("x",), lambda x: torch.sin(x[:, :1]) / (2.0 - x[:, 1:]), 33),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_smooth_function_is_met_everywhere(name: str) -> None:
    axes, periodic, function, most = FUNCTIONS[name]
    expansion = Expansion(axes, periodic)
    coefficients = expansion.fitted(lambda x: function(x)[None])
    assert max(coefficients.shape[1:-1]) <= most
    x = _random(axes)
    wanted = function(x)
    gap = expansion(x[None], coefficients)[0] - wanted
    assert gap.abs().max() < 1e-6 * wanted.abs().max()


def test_each_replicate_has_the_waves_that_it_has_alone() -> None:
    expansion = Expansion((AROUND,), ("x",))
    functions = [torch.sin, lambda x: torch.tanh(5.0 * torch.sin(x)), lambda x: torch.nan * x]
    together = expansion.fitted(lambda x: torch.stack([f(x) for f in functions]))
    for k, function in enumerate(functions[:2]):
        alone = expansion.fitted(lambda x, f=function: f(x)[None])[0]
        torch.testing.assert_close(together[k, : len(alone)], alone, rtol=0.0, atol=1e-12)
        assert not together[k, len(alone) :].any()
    assert together.shape[1] > 33
    assert torch.isnan(together[2]).any()


def test_a_kink_is_met_as_far_as_waves_go() -> None:
    expansion = Expansion((ACROSS,))
    coefficients = expansion.fitted(lambda x: x.abs()[None])
    assert coefficients.shape == (1, 257, 1)
    x = _random((ACROSS,))
    assert (expansion(x[None], coefficients)[0] - x.abs()).abs().mean() < 1e-2


def test_without_axes_it_is_a_constant() -> None:
    expansion = Expansion(())
    state = expansion.fitted(lambda x: torch.full((3, 1, 2), 4.0, dtype=torch.float64))
    assert expansion(torch.zeros(3, 5, 1), state).shape == (3, 1, 2)
    assert (expansion.zeros(3, 2) == 0.0).all()
