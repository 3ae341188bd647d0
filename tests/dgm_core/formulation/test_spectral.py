"""Fourier series in time, against solutions that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgm_core.errors import ConfigurationError
from dgm_core.formulation import Axis
from dgm_core.formulation.spectral import periodic_solution

CIRCLE, TIME = Axis("x", 0.0, 2.0 * np.pi), Axis("t", 0.0, 1.0)
AT = torch.tensor([[0.3, 0.0], [1.0, 0.37], [6.0, 1.0]], dtype=torch.float64)
SMALL = {"nodes": 16, "steps": 40, "kept": 20}


def test_a_linear_part_is_exact():
    """Advection by a nonlinear term, diffusion by the linear one: u = exp(−ν t) sin(x − t)."""
    found = periodic_solution(
        CIRCLE, TIME, initial=np.sin, linear=lambda k: -0.1 * k**2, nonlinear=lambda u, d: -d(u), **SMALL
    )
    x, t = AT[:, :1], AT[:, 1:]
    torch.testing.assert_close(found(AT), torch.exp(-0.1 * t) * torch.sin(x - t), atol=1e-7, rtol=0.0)


def test_a_stiff_equation_keeps_the_order_of_four():
    """Fisher's equation without space, u' = u (1 − u), beside eigenvalues of −10⁴."""

    def error(steps):
        found = periodic_solution(
            CIRCLE,
            TIME,
            initial=lambda x: 0.1 + 0.0 * x,
            linear=lambda k: 1.0 - 1e4 * k**2,
            nonlinear=lambda u, d: -u * u,
            nodes=16,
            steps=steps,
            kept=steps,
        )
        ends = torch.tensor([[1.0, 1.0]], dtype=torch.float64)
        return abs(found(ends).item() - 0.1 * np.e / (0.9 + 0.1 * np.e))

    assert error(16) / error(32) == pytest.approx(16.0, rel=0.2)


def test_its_derivatives_are_its_own_on_a_grid_and_off_it():
    found = periodic_solution(
        CIRCLE, TIME, initial=np.cos, linear=lambda k: -(k**2), nonlinear=lambda u, d: 0.0 * u, **SMALL
    )
    x = AT.clone().requires_grad_()
    values = found(x)
    torch.testing.assert_close(values.detach(), found(AT))
    (slopes,) = torch.autograd.grad(values.sum(), x)
    decay = torch.exp(-AT[:, 1])
    expected = torch.stack([-decay * torch.sin(AT[:, 0]), -decay * torch.cos(AT[:, 0])], dim=1)
    torch.testing.assert_close(slopes, expected, atol=1e-6, rtol=0.0)


def test_values_that_overflow_are_refused():
    with pytest.raises(ConfigurationError, match="overflow"):
        periodic_solution(
            CIRCLE, TIME, initial=np.cos, linear=lambda k: 0.0 * k, nonlinear=lambda u, d: 1e9 * u**3, **SMALL
        )
