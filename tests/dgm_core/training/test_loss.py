"""The loss of given points against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import TrainConfig, load_problem
from dgm_core.formulation import Box, Problem
from dgm_core.training.causality import CHUNKS, causal_weights
from dgm_core.training.loss import Loss


def heat_points() -> dict[str, torch.Tensor]:
    x = torch.tensor([[[1.0, 0.5], [2.0, 1.0]]], dtype=torch.float64)
    return {
        "interior": x,
        "initial": torch.tensor([[[1.0, 0.0], [2.0, 0.0]]], dtype=torch.float64),
        "left": torch.tensor([[[0.0, 0.5], [0.0, 2.0]]], dtype=torch.float64),
        "right": torch.tensor([[[math.pi, 0.5], [math.pi, 2.0]]], dtype=torch.float64),
    }


def quadratic(x: torch.Tensor) -> torch.Tensor:
    """u = x² t, so that u_t − u_xx = x² − 2 t."""
    return x[..., :1] ** 2 * x[..., 1:]


def expected_terms() -> list[float]:
    interior = ((1 - 1) ** 2 + (4 - 2) ** 2) / 2
    initial = (math.sin(1) ** 2 + math.sin(2) ** 2) / 2
    right = ((math.pi**2 * 0.5) ** 2 + (math.pi**2 * 2) ** 2) / 2
    return [interior, initial, 0.0, right]


def test_terms_are_mean_squares_and_the_total_their_sum():
    total, terms = Loss(load_problem("heat"), TrainConfig())(quadratic, heat_points())
    assert terms[0].tolist() == pytest.approx(expected_terms(), rel=1e-12)
    assert total.item() == pytest.approx(sum(expected_terms()), rel=1e-12)


def test_weights_enter_the_total_and_not_the_terms():
    config = TrainConfig(loss_weights={"initial": 10.0, "right": 0.0})
    total, terms = Loss(load_problem("heat"), config)(quadratic, heat_points())
    interior, initial, _, _ = expected_terms()
    assert terms[0].tolist() == pytest.approx(expected_terms(), rel=1e-12)
    assert total.item() == pytest.approx(interior + 10 * initial, rel=1e-12)


@pytest.mark.parametrize("scaling", ["none", "unit"])
def test_the_squares_that_least_squares_minimise_add_up_to_the_total(scaling):
    loss = Loss(load_problem("heat"), TrainConfig(loss_weights={"left": 3.0}, term_scaling=scaling))
    total, _ = loss(quadratic, heat_points())
    squares = sum(residual.square().sum() for residual in loss.residuals(quadratic, heat_points()))
    assert squares.item() == pytest.approx(total.item(), rel=1e-12)


def test_replicates_have_losses_of_their_own():
    pair = {term: torch.cat([x, x + 0.1]) for term, x in heat_points().items()}
    loss = Loss(load_problem("heat"), TrainConfig())
    total, terms = loss(quadratic, pair)
    alone, its_terms = loss(quadratic, {term: x[1:] for term, x in pair.items()})
    assert total.shape == (2,)
    assert terms.shape == (2, 4)
    torch.testing.assert_close(total[1:], alone)
    torch.testing.assert_close(terms[1:], its_terms)


def test_hard_terms_are_zero_and_the_others_as_before():
    problem = load_problem("exponential-decay")
    points = {"interior": torch.tensor([[[0.5]]]), "initial": torch.tensor([[[0.0]]])}

    def wrong(x):
        return 5.0 * x + 1.0

    _, soft = Loss(problem, TrainConfig())(wrong, points)
    total, hard = Loss(problem, TrainConfig(hard_conditions=True))(wrong, points)
    which = [term in problem.hard_terms for term in problem.terms]
    assert any(which)
    for value, plain, is_hard in zip(hard[0].tolist(), soft[0].tolist(), which, strict=True):
        assert value == (0.0 if is_hard else plain)
    assert total.item() == pytest.approx(hard.sum().item())


class Pair(Problem):
    """Two noisy estimates of the residual u − 1, off by +s and −s."""

    name, outputs, source = "pair", ("u",), ""
    domain = Box(x=(0.0, 1.0))
    noise: float = 0.5

    def regions(self):
        return {"equation": self.domain.interior}

    def residuals(self, u, points):
        residual = u(points["equation"]) - 1.0
        return {"equation": (residual + self.noise, residual - self.noise)}


def test_a_pair_of_estimates_enters_as_its_product():
    points = {"equation": torch.tensor([[[2.0], [4.0]]])}
    total, terms = Loss(Pair(), TrainConfig())(lambda x: x, points)
    assert terms.item() == pytest.approx(((1.5 * 0.5) + (3.5 * 2.5)) / 2)
    assert total.item() == terms.item()


def test_a_pair_at_fixed_points_enters_as_the_square_of_its_mean():
    points = {"equation": torch.tensor([[[2.0], [4.0]]])}
    total, _ = Loss(Pair(), TrainConfig(), fixed_points=True)(lambda x: x, points)
    assert total.item() == pytest.approx((1.0 + 9.0) / 2)


def test_causal_weights_by_hand():
    """Losses 2 and 1 in the first two intervals, none in the third, then a point at the end."""
    width = 10.0 / CHUNKS
    time = torch.tensor([[0.1, 0.9, 1.5, 3.5, CHUNKS - 0.5]]) * width
    squares = torch.tensor([[1.0, 3.0, 1.0, 0.0, 9.0]])
    weights = causal_weights(squares, time, 0.0, 10.0, epsilon=0.5)
    expected = [1.0, 1.0, math.exp(-1.0), math.exp(-1.5), math.exp(-1.5)]
    assert weights[0].tolist() == pytest.approx(expected)


def test_a_large_last_interval_does_not_cancel_the_earlier_ones():
    time = (torch.arange(32.0)[None] + 0.5) / 32
    squares = torch.full((1, 32), 0.1)
    squares[0, -1] = 1e8
    weights = causal_weights(squares, time, 0.0, 1.0, 1.0)
    assert weights[0, -1].item() == pytest.approx(math.exp(-3.1), rel=1e-4)


def test_causal_weights_are_detached_and_per_replicate():
    squares = torch.rand(2, 50, generator=torch.Generator().manual_seed(0), requires_grad=True)
    time = torch.rand(2, 50, generator=torch.Generator().manual_seed(1))
    weights = causal_weights(squares, time, 0.0, 1.0, 1.0)
    assert not weights.requires_grad
    broken = squares.detach().clone()
    broken[0] = torch.nan
    assert torch.equal(causal_weights(broken, time, 0.0, 1.0, 1.0)[1], weights[1])


def test_causality_weighs_the_total_and_records_plain_terms():
    plain_total, plain = Loss(load_problem("heat"), TrainConfig())(quadratic, heat_points())
    total, terms = Loss(load_problem("heat"), TrainConfig(causality=1e6))(quadratic, heat_points())
    torch.testing.assert_close(terms, plain)
    # The first interior residual is zero and the second late, but no earlier loss weighs it down;
    # at x = π the loss at t = 0.5 silences the one at t = 2.
    interior, initial, _, _ = expected_terms()
    assert total.item() == pytest.approx(interior + initial + (math.pi**2 * 0.5) ** 2 / 2, rel=1e-9)
    assert total < plain_total
