"""Rows of the Jacobian of all residuals, against finite differences and whichever way they are made."""

from __future__ import annotations

import pytest
import torch

from dgm_core import Setup, TrainConfig, load_problem
from dgm_core.networks import ACTIVATIONS, NETWORKS
from dgm_core.random_streams import stream
from dgm_core.training.jacobian import Jacobian
from dgm_core.training.objective import PieceObjective
from dgm_core.training.parameters import FlatParameters
from dgm_core.training.rows import add_gram
from dgm_core.training.sampling import PointSource
from dgm_core.training.solution import Solution

STEP = 1e-6
PROBLEMS = {
    "heat": {},
    "burgers": {"hard_conditions": True},
    "advection": {},  # periodic: a residual looks at two points
    "heat-cauchy": {},  # two components
    "fitzhugh-nagumo": {"input_scaling": "unit"},  # two outputs, two components
    "poisson-nd": {"problem.dimensions": 3},
    "fredholm": {"problem.nodes": 5, "problem.quadrature": "gauss-legendre"},  # residuals share points
    "volterra": {"problem.nodes": 3},
}


def objective(problem, points=4, *, carry=True, **changes):
    own = {key: value for key, value in changes.items() if key.startswith("problem.")}
    config = {"width": 5, "depth": 2, **{k: v for k, v in changes.items() if k not in own}}
    setup = Setup(load_problem(problem), TrainConfig.create(config)).changed(own)
    solution = Solution(setup, [1, 2]).double()
    piece = solution.piece(0)
    for parameter in piece.parameters():  # biases start at zero, where much is symmetric
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=stream(0), dtype=torch.float64)
    flat = FlatParameters(piece.network)
    drawn = PointSource(piece.problem.regions(), points, [1, 2], dtype=torch.float64).next()
    return PieceObjective(piece, flat, setup.config, drawn, carry=carry), flat.values.detach().clone()


def differences(made, at):
    """dr/dθ (K, N, P) by central differences."""
    columns = []
    for p in range(at.shape[1]):
        step = torch.zeros_like(at)
        step[:, p] = STEP
        ahead, behind = (made.linearised(at + sign * step).residuals for sign in (1, -1))
        columns.append((ahead - behind) / (2 * STEP))
    return torch.stack(columns, dim=2)


def check(made, at):
    rows = made.linearised(at)
    assert not made.slow
    jacobian = rows.whole()
    scale = jacobian.abs().max().item()
    torch.testing.assert_close(jacobian, differences(made, at), rtol=1e-5, atol=1e-7 * scale)
    value, gradient = made.differentiated(at)
    torch.testing.assert_close(rows.residuals.square().sum(dim=1), value)
    square, half = rows.normal()
    torch.testing.assert_close(2 * half, gradient)
    torch.testing.assert_close(square, jacobian.mT @ jacobian)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("network", list(NETWORKS))
def test_of_every_network_and_activation(network, activation):
    check(*objective("heat", network=network, activation=activation, width=4, depth=1))


@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.parametrize(
    "changes",
    [
        {"weight_factorisation": 0.5},
        {"activation_slope": 3.0},
        {"embedding": "fourier", "embedding_features": 2},
    ],
    ids=str,
)
def test_of_trained_factors_and_embeddings(network, changes):
    check(*objective("heat", network=network, width=4, depth=1, **changes))


def test_of_harmonics():
    check(*objective("advection", hard_conditions=True, harmonics=3, width=4, depth=1))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_of_problems_whose_residuals_look_at_points_in_other_ways(problem):
    check(*objective(problem, **PROBLEMS[problem]))


@pytest.mark.parametrize("problem", ["heat", "advection"])
def test_summed_in_chunks_it_is_the_same(problem, monkeypatch):
    made, at = objective(problem, points=9)
    rows = made.linearised(at)
    whole = rows.normal()
    monkeypatch.setattr("dgm_core.training.rows.CHUNK_BYTES", 8 * 2 * at.shape[1] * 4)
    sizes = [part.shape[1] for _, part in rows.chunks()]
    assert max(sizes) == 4
    assert sum(sizes) == rows.residuals.shape[1]
    for one, other in zip(rows.normal(), whole, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("together", [1, 2])
def test_the_system_of_a_replicate_does_not_depend_on_how_many_are_made_together(together, monkeypatch):
    made, at = objective("heat", points=9)
    rows = made.linearised(at)
    whole = rows.normal()
    made_of: list[int] = []
    monkeypatch.setattr(
        "dgm_core.training.rows.CACHED_BYTES", 8 * together * rows.residuals.shape[1] * at.shape[1]
    )
    fill = type(rows)._fill

    def filled(self, part, *others):
        made_of.append(len(part))
        fill(self, part, *others)

    monkeypatch.setattr(type(rows), "_fill", filled)
    for one, other in zip(rows.normal(), whole, strict=True):
        assert torch.equal(one, other)
    assert max(made_of) == together
    assert sum(made_of) == len(at)


def test_the_blocks_of_a_gram_matrix_are_those_of_the_whole(monkeypatch):
    monkeypatch.setattr("dgm_core.training.rows.BLOCK", 3)
    rows = torch.randn(2, 6, 8, generator=stream(0), dtype=torch.float64)
    square = torch.ones(2, 8, 8, dtype=torch.float64)
    add_gram(square, rows)
    torch.testing.assert_close(square, 1.0 + rows.mT @ rows)


def test_weights_of_terms_are_those_of_the_loss():
    made, at = objective("heat", loss_weights={"initial": 7.0, "left": 0.0})
    rows = made.linearised(at)
    torch.testing.assert_close(rows.residuals.square().sum(dim=1), made.value(at))


def test_without_a_rule_it_is_the_same_and_says_that_it_is_slow():
    made, at = objective("heat")
    fast = made.linearised(at).whole()
    piece = made._piece
    bare = torch.nn.Parameter(torch.ones(2, 1, 1, dtype=torch.float64))
    piece.network.register_parameter("bare", bare)
    slow = Jacobian(piece, piece.network, lambda: made._nested.residuals(piece, made._points))
    assert slow.slow
    found = slow().whole()
    torch.testing.assert_close(found[..., 1:], fast)  # the module's own parameter comes first
    assert not found[..., 0].any()


def test_a_look_at_the_loss_alone_knows_nested_derivatives():
    """Without gradients of the weights the derivatives along the axes are still needed."""
    made, at = objective("heat", carry=False)
    value = made.value(at)
    torch.testing.assert_close(value, made.differentiated(at)[0])
    assert (value > 0).all()
