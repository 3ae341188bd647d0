"""Heat conduction: conditions at the ends, and Crank–Nicolson as an independent reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dgm_core.calculus import Automatic, Derivatives
from dgm_core.errors import ConfigurationError
from dgm_core.formulation import Box, Part
from dgm_core.formulation.conditions import Cauchy, Condition, Dirichlet, Neumann, Robin
from dgm_core.formulation.conduction import Conduction
from dgm_core.problems import load_problem
from tests.dgm_core.problems.finite_differences import crank_nicolson

BAR = Box(x=(0.0, 2.0), t=(0.0, 1.0))


def field(x: Tensor) -> Tensor:
    """u = x² + 3 x t: u = 4 + 6 t and u_x = 4 + 3 t at x = 2; u = 0 and u_x = 3 t at x = 0."""
    return x[..., :1] ** 2 + 3.0 * x[..., :1] * x[..., 1:]


def at(face: Part) -> Derivatives:
    t = torch.linspace(0.0, 1.0, 5, dtype=torch.float64)
    return Automatic(field, torch.stack([torch.full_like(t, face.bounds[0][0]), t], dim=-1)[None], ("x", "t"))


@pytest.mark.parametrize(
    ("condition", "face", "expected"),
    [
        (Dirichlet(), BAR.at(x=2.0), [lambda t: 4 + 6 * t]),
        (Dirichlet(lambda x: 4 + 6 * x[..., 1:]), BAR.at(x=2.0), [lambda t: 0 * t]),
        (Neumann(), BAR.at(x=2.0), [lambda t: 4 + 3 * t]),
        (Neumann(), BAR.at(x=0.0), [lambda t: -3 * t]),
        (Robin(2.0), BAR.at(x=2.0), [lambda t: 4 + 3 * t + 2 * (4 + 6 * t)]),
        (Robin(2.0, lambda x: x[..., 1:]), BAR.at(x=0.0), [lambda t: -4 * t]),
        (Cauchy(), BAR.at(x=2.0), [lambda t: 4 + 6 * t, lambda t: 4 + 3 * t]),
        (Cauchy(flux=lambda x: -3 * x[..., 1:]), BAR.at(x=0.0), [lambda t: 0 * t, lambda t: 0 * t]),
    ],
)
def test_a_condition_is_what_it_says(condition: Condition, face: Part, expected: list) -> None:
    y = at(face)
    t = y.x[..., 1:].detach()
    residual = condition.residual(y, face)
    torch.testing.assert_close(residual.detach(), torch.cat([e(t) for e in expected], dim=-1))


@pytest.mark.parametrize("name", ["heat", "heat-neumann", "heat-robin", "heat-mixed", "heat-cauchy"])
def test_every_end_has_a_condition_of_its_own_but_cauchy_s_right_one(name: str) -> None:
    """The paper's scripts impose the left boundary twice and the right one never."""
    ends = [part.bounds[0] for part, _ in conduction(name).boundary.values()]
    left, right = (0.0, 0.0), (math.pi, math.pi)
    assert sorted(ends) == ([left] if name == "heat-cauchy" else [left, right])


def conduction(name: str, **parameters: float) -> Conduction:
    problem = load_problem(name, parameters)
    assert isinstance(problem, Conduction)
    return problem


def largest_error(problem: Conduction, cells: int) -> float:
    x, t, u = crank_nicolson(problem, cells, cells)
    grid = np.stack(np.meshgrid(x, t), axis=-1)  # (steps + 1, cells + 1, 2)
    return float(np.abs(u - problem.reference(torch.from_numpy(grid)).numpy()[..., 0]).max())


@pytest.mark.parametrize("name", ["heat", "heat-neumann", "heat-mixed", "heat-robin"])
def test_crank_nicolson_converges_at_second_order(name: str) -> None:
    problem = conduction(name)
    cells = np.array([20, 40, 80, 160])
    errors = np.array([largest_error(problem, int(n)) for n in cells])
    order = -np.polyfit(np.log(cells), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < 1e-4


def test_crank_nicolson_knows_the_parameters() -> None:
    assert largest_error(conduction("heat", diffusivity=0.3), 160) < 1e-4
    assert largest_error(conduction("heat-robin", transfer=3.0), 160) < 2e-4
    assert largest_error(conduction("heat-neumann", mode=3, diffusivity=0.1), 160) < 1e-3


def test_crank_nicolson_refuses_an_end_without_condition() -> None:
    with pytest.raises(ConfigurationError, match="an end is without condition"):
        crank_nicolson(conduction("heat-cauchy"), 10, 10)


def test_crank_nicolson_refuses_a_condition_it_does_not_know() -> None:
    class Heated(type(conduction("heat"))):  # type: ignore[misc]
        @property
        def boundary(self):  # type: ignore[no-untyped-def]
            left, right = super().boundary.values()
            return {"left": left, "right": (right[0], Dirichlet(lambda x: 0.0 * x[..., :1]))}

    with pytest.raises(ConfigurationError, match="do not know the condition"):
        crank_nicolson(Heated(), 10, 10)


@pytest.mark.parametrize("transfer", [0.01, 0.5, 2.0, 500.0])
def test_robin_mode_solves_its_equation(transfer: float) -> None:
    problem = conduction("heat-robin", transfer=transfer)
    ends = torch.tensor([[[0.0, 0.7], [math.pi, 0.7]]], dtype=torch.float64)
    y = problem.derivatives(problem.reference, ends)
    flux = y.d("x") * torch.tensor([[[-1.0], [1.0]]])
    torch.testing.assert_close(flux, -transfer * y.value, rtol=1e-11, atol=1e-11)


def test_hard_conditions_name_the_cold_ends() -> None:
    assert conduction("heat").hard_terms == ("initial", "left", "right")
    assert conduction("heat-mixed").hard_terms == ("initial", "left")
    assert conduction("heat-neumann").hard_terms == ("initial",)
