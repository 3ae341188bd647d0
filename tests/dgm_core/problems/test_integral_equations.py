"""Integral equations: quadratures, the bias of a squared estimate, and Nyström's solution."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.integral_equation import IntegralEquation
from dgm_core.formulation.quadrature import gauss_legendre, sobol_set
from dgm_core.problems import PROBLEMS, load_problem
from dgm_core.problems.fredholm import Fredholm
from dgm_core.training.sampling import PointSource
from tests.dgm_core.problems.nystrom import nystrom

EQUATIONS = [name for name in PROBLEMS.names() if issubclass(PROBLEMS.get(name), IntegralEquation)]
RANDOM = ["monte-carlo", "quasi-monte-carlo"]


def residual(problem: IntegralEquation, u, batch: int = 64, seeds: tuple[int, ...] = (0, 1)):
    points = PointSource(problem.regions(), batch, seeds, dtype=torch.float64).next()
    return problem.residuals(u, points)["interior"]


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("quadrature", RANDOM)
def test_random_quadratures_are_right_on_average(name: str, quadrature: str) -> None:
    problem = load_problem(name, {"quadrature": quadrature, "nodes": 16})
    r = residual(problem, problem.reference, 4, tuple(range(2_000)))  # (K, 4, 1)
    mean, error = r.mean(), r.std() / math.sqrt(len(r))
    assert r.std() > 1e-5
    assert mean.abs() < 4.0 * error


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("quadrature", [*RANDOM, "gauss-legendre"])
@pytest.mark.parametrize("unbiased", [False, True])
def test_one_forward_pass_whatever_the_nodes(name: str, quadrature: str, unbiased: bool) -> None:
    if unbiased and quadrature == "gauss-legendre":
        pytest.skip("refused")
    problem = load_problem(name, {"quadrature": quadrature, "nodes": 40, "unbiased": unbiased})
    passes = []

    def field(x: Tensor) -> Tensor:
        passes.append(x.shape[1])
        return problem.reference(x)

    result = residual(problem, field, batch=8)
    estimates = result if isinstance(result, tuple) else (result,)
    assert [r.shape for r in estimates] == [(2, 8, 1)] * (2 if unbiased else 1)
    shared = quadrature != "monte-carlo" and not problem.volterra
    assert passes == [8 + (40 if shared else 8 * 40) * len(estimates)]


def test_monte_carlo_draws_new_nodes_for_every_x() -> None:
    problem = Fredholm(nodes=7)
    nodes = PointSource(problem.regions(), 5, (0,), dtype=torch.float64).next()["nodes"]
    assert nodes.shape == (1, 35, 1)
    assert len(nodes.unique()) == 35


def test_quasi_monte_carlo_beats_monte_carlo() -> None:
    spread = {
        quadrature: residual(problem, problem.reference, 8, tuple(range(200))).std()
        for quadrature in RANDOM
        for problem in [Fredholm(quadrature=quadrature, nodes=64)]
    }
    assert spread["quasi-monte-carlo"] < 0.2 * spread["monte-carlo"]


def test_the_unbiased_pair_removes_the_bias_of_the_square() -> None:
    """On the solution the true residual is zero: so is the mean of r₁ r₂, and that of r² is not."""
    seeds = tuple(range(4_000))
    biased = residual(Fredholm(nodes=10), Fredholm().reference, 4, seeds).square()
    first, second = residual(Fredholm(nodes=10, unbiased=True), Fredholm().reference, 4, seeds)
    product = first * second
    variance = math.pi**2 / 32.0 - 0.25
    expected = 4.0 * 0.5 * variance / 10.0  # c² mean(sin²) v / m, with c = 2
    assert biased.mean().item() == pytest.approx(expected, rel=0.1)
    assert product.mean().abs() < 4.0 * product.std() / math.sqrt(product.numel())


def test_where_the_squared_loss_is_least() -> None:
    """The minimum over c sin x, as the docstring of `fredholm` has it, and at c = 2 without bias."""
    seeds = tuple(range(1_000))

    def minimum(problem: Fredholm) -> float:
        points = PointSource(problem.regions(), 32, seeds, dtype=torch.float64).next()
        losses = []
        for c in (1.0, 2.0, 3.0):  # a parabola in c
            r = problem.residuals(lambda x, c=c: c * torch.sin(x), points)["interior"]
            losses.append((r[0] * r[1] if isinstance(r, tuple) else r.square()).mean().item())
        low, middle, high = losses
        return 2.0 + 0.5 * (low - high) / (low - 2.0 * middle + high)

    nodes = 5
    shrunk = 2.0 / (1.0 + 4.0 * (math.pi**2 / 32.0 - 0.25) / nodes)
    assert minimum(Fredholm(nodes=nodes)) == pytest.approx(shrunk, abs=0.015)
    assert shrunk < 1.92
    assert minimum(Fredholm(nodes=nodes, unbiased=True)) == pytest.approx(2.0, abs=0.015)


@pytest.mark.parametrize("factor", [1.0, 0.5, -3.0, 0.0])
def test_nystrom_agrees_with_the_exact_solution(factor: float) -> None:
    problem = Fredholm(factor=factor)
    x = problem.evaluation_points()
    torch.testing.assert_close(nystrom(problem, 16)(x), problem.reference(x), rtol=1e-13, atol=1e-13)


def test_nystrom_converges_with_its_nodes() -> None:
    problem = Fredholm()
    x = problem.evaluation_points()
    errors = [(nystrom(problem, m)(x) - problem.reference(x)).abs().max().item() for m in (2, 3, 4)]
    assert errors[0] > 20.0 * errors[1] > 400.0 * errors[2]


def test_nystrom_refuses_what_it_cannot_solve() -> None:
    for name in ("fredholm-first-kind", "volterra"):
        with pytest.raises(ConfigurationError, match="no Nyström solution"):
            nystrom(load_problem(name))


@pytest.mark.parametrize("factor", [0.3, 1.0, 7.0])
def test_other_factors_have_their_own_solution(factor: float) -> None:
    for name in EQUATIONS:
        problem = load_problem(name, {"factor": factor}).accurate()
        assert residual(problem, problem.reference).abs().max() < 1e-11


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("fredholm-first-kind", {"factor": 0}, "problem.factor = 0 is not allowed"),
        ("fredholm", {"factor": 2}, "characteristic value"),
        ("fredholm", {"quadrature": "simpson"}, "problem.quadrature = 'simpson' is not allowed"),
        ("fredholm", {"nodes": 0}, "problem.nodes = 0 is not allowed"),
        ("fredholm", {"quadrature": "gauss-legendre", "unbiased": True}, "problem.unbiased = True"),
        ("volterra", {"factor": 0}, "problem.factor = 0 is not allowed"),
        ("fredholm", {"kernel": 1}, "unknown key 'problem.kernel'"),
    ],
)
def test_bad_parameters_are_refused_in_one_sentence(name: str, parameters: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_problem(name, parameters)
    assert "\n" not in str(caught.value)


def test_gauss_legendre_is_exact_to_its_degree() -> None:
    nodes, weights = gauss_legendre(4)
    for degree in range(8):
        assert (nodes**degree @ weights).item() == pytest.approx(1.0 / (degree + 1), abs=1e-14)
    assert (nodes**8 @ weights).item() != pytest.approx(1.0 / 9.0, abs=1e-6)


def test_the_sobol_set_is_balanced() -> None:
    assert sorted(sobol_set(8)[:, 0].tolist()) == [i / 8 for i in range(8)]
    assert len(sobol_set(50)) == 50
    assert len(sobol_set(1)) == 1
