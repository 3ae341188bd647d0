"""Initial value problems: the FitzHugh–Nagumo reference, and time windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import odeint
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.cutting import window_of
from dgm_core.formulation.verification import residual_sizes
from dgm_core.problems import load_problem
from dgm_core.problems.fitzhugh_nagumo import TOLERANCE, FitzHughNagumo, solve
from dgm_core.training.sampling import PointSource

WINDOWED = ["exponential-decay", "fitzhugh-nagumo"]


def test_fitzhugh_nagumo_has_converged() -> None:
    """Half the tolerance and a tenfold one change the values by less than is claimed."""
    problem = FitzHughNagumo()
    t = np.linspace(0.0, 30.0, 1_001)
    values = solve(problem)(t)
    assert np.abs(values - solve(problem, 0.5 * TOLERANCE)(t)).max() < 1e-10
    assert np.abs(values - solve(problem, 10.0 * TOLERANCE)(t)).max() < 1e-9


def test_fitzhugh_nagumo_agrees_with_odeint_at_the_paper_nodes() -> None:
    problem = FitzHughNagumo()

    def rate(state: np.ndarray, _: float) -> list[float]:
        y, w = state
        return [y - y**3 / 3 - w + 0.5, (y + 0.7 - 0.8 * w) / 2.5]

    t = np.linspace(0.0, 30.0, 50)
    ours = problem.reference(problem.evaluation_points()).numpy()
    assert np.abs(ours - odeint(rate, [0.0, 0.0], t)).max() < 1e-6  # odeint's own default tolerance
    assert np.abs(ours - odeint(rate, [0.0, 0.0], t, rtol=1e-12, atol=1e-12)).max() < 1e-9


def test_fitzhugh_nagumo_is_solved_once() -> None:
    assert solve(FitzHughNagumo()) is solve(FitzHughNagumo())


def test_fitzhugh_nagumo_derivative_comes_from_the_values() -> None:
    """A reference with wrong values fails its residual: the slopes are not the equation's own."""
    problem = FitzHughNagumo()
    other = FitzHughNagumo(current=0.51)
    points = PointSource(problem.regions(), 32, (0,), dtype=torch.float64).next()
    assert residual_sizes(problem, other.reference, points)["interior"] > 5e-3


@pytest.mark.parametrize("name", WINDOWED)
def test_the_reference_solves_a_window_from_its_own_values(name: str) -> None:
    problem = load_problem(name)
    end = problem.inputs[0].upper
    lower, upper = 0.25 * end, 0.5 * end
    initial = problem.reference(torch.full((3, 1), lower, dtype=torch.float64))  # (K, q)
    window = window_of(problem, lower, upper, initial)
    points = PointSource(window.regions(), 16, (0, 1, 2), dtype=torch.float64).next()
    assert ((points["interior"] >= lower) & (points["interior"] <= upper)).all()
    assert (points["initial"] == lower).all()
    for term, size in residual_sizes(window, window.reference, points).items():
        assert size <= problem.reference_tolerance, term
    assert window.outputs == problem.outputs
    assert window.terms == problem.terms
    assert window.evaluation_points().min() == lower


@pytest.mark.parametrize("name", WINDOWED)
def test_a_window_starts_each_replicate_from_its_own_values(name: str) -> None:
    problem = load_problem(name)
    end = problem.inputs[0].upper
    outputs = len(problem.outputs)
    initial = torch.arange(3.0 * outputs).reshape(3, outputs)
    window = window_of(problem, 0.5 * end, end, initial)
    points = PointSource(window.regions(), 16, (0, 1, 2)).next()

    def field(x: Tensor) -> Tensor:
        return window.constrain(x, torch.cos(x).expand(-1, -1, outputs))

    assert torch.equal(field(points["initial"])[:, 0], initial)
    assert window.residuals(field, points)["initial"].abs().max() == 0.0  # type: ignore[union-attr]
    off = residual_sizes(window, lambda x: torch.zeros(*x.shape[:2], outputs), points)
    assert off["initial"] == initial.max()


@pytest.mark.parametrize("name", WINDOWED)
def test_the_first_window_keeps_the_initial_values(name: str) -> None:
    problem = load_problem(name)
    window = window_of(problem, 0.0, 0.1)
    x = torch.zeros(2, 1, 1, dtype=torch.float64)
    raw = torch.ones(2, 1, len(problem.outputs), dtype=torch.float64)
    assert torch.equal(window.constrain(x, raw), problem.constrain(x, raw))


def test_windows_that_cannot_be_are_refused() -> None:
    decay = load_problem("exponential-decay")
    with pytest.raises(ConfigurationError, match=r"must lie in \[0.0, 1.0\]"):
        window_of(decay, 0.5, 1.5, torch.ones(1, 1))
    with pytest.raises(ConfigurationError, match="must lie in"):
        window_of(decay, 0.5, 0.5, torch.ones(1, 1))
    with pytest.raises(ConfigurationError, match="needs initial values"):
        window_of(decay, 0.5, 1.0)
    with pytest.raises(ConfigurationError, match=r"heat that starts at .* needs initial values"):
        window_of(load_problem("heat"), 0.5, 1.0)
