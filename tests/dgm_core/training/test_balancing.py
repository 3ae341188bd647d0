"""Weights of the loss that follow the training."""

from __future__ import annotations

import pytest
import torch

from dgm_core import Setup, TrainConfig, Trainer, load_problem
from dgm_core.training.balancing import BALANCINGS
from dgm_core.training.balancing.residual_attention import DECAY, RATE
from dgm_core.training.loss import Loss
from dgm_core.training.sampling import PointSource
from dgm_core.training.solution import Solution

SMALL = {"width": 5, "depth": 2, "batch_size": 6, "iterations": 50, "precision": "float64"}


def made(name, problem="heat", **changes):
    """(balancer, its loss, points) of two replicates."""
    fixed = {"redraw_every": 0} if BALANCINGS.get(name).of_points else {}
    config = TrainConfig.create({**SMALL, **fixed, "balancing": name, **changes})
    setup = Setup(load_problem(problem), config)
    piece = Solution(setup, [1, 2]).double().piece(0)
    loss = Loss(piece.problem, config)
    loss.balancer = BALANCINGS.get(name)(loss, piece, config)
    return loss.balancer, loss, PointSource(piece.problem.regions(), 6, [1, 2], dtype=torch.float64).next()


def rows(loss, piece, points):
    """The gradient of each weighted term's every residual, [(K, n, P)], each replicate's by itself."""
    parameters = list(piece.network.parameters())
    found = []
    for residual in loss.residuals(piece, points):
        flat = residual.flatten(1)
        each = [
            torch.autograd.grad(r.sum(), parameters, retain_graph=True, allow_unused=True) for r in flat.T
        ]
        found.append(
            torch.stack(
                [torch.cat([g.flatten(1) for g in own if g is not None], dim=1) for own in each], dim=1
            )
        )
    return found


def balanced(sizes, decay):
    return decay + (1 - decay) * sizes.sum(dim=1, keepdim=True) / sizes


def test_gradient_norms_of_weighted_terms_come_together():
    balancer, loss, points = made("gradient-norm", balance_decay=0.25)
    balancer.prepare(0, points)
    # ∇ mean r² = 2 Σ r ∇r / n, with r scaled so that its squares add up to the mean.
    residuals = [r.flatten(1) for r in loss.residuals(balancer.piece, points)]
    pairs = zip(residuals, rows(loss, balancer.piece, points), strict=True)
    norms = torch.stack([(2 * r[..., None] * j).sum(dim=1).norm(dim=1) for r, j in pairs], dim=1)
    torch.testing.assert_close(balancer.state["factors"], balanced(norms, 0.25).detach())
    balancer.prepare(1, points)  # not yet anew
    torch.testing.assert_close(balancer.state["factors"], balanced(norms, 0.25).detach())


@pytest.mark.parametrize("weights", [{}, {"left": 4.0, "right": 0.0}], ids=["plain", "weighted"])
def test_traces_of_the_tangent_kernel_come_together(weights):
    balancer, loss, points = made("ntk", loss_weights=weights)
    balancer.prepare(0, points)
    assert balancer.note is None
    plain = Loss(loss.problem, TrainConfig.create(SMALL))
    traces = torch.stack([j.square().sum(dim=(1, 2)) for j in rows(plain, balancer.piece, points)], dim=1)
    kept = [i for i in range(len(loss.terms)) if loss.weights[i]]
    torch.testing.assert_close(balancer.state["factors"][:, kept], balanced(traces[:, kept], 0.9))
    others = [i for i in range(len(loss.terms)) if i not in kept]
    assert bool((balancer.state["factors"][:, others] == 1).all())


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_kernel_is_made_from_one_reverse_pass_in_either_precision(precision):
    balancer, _, points = made("ntk", problem="advection", precision=precision)
    balancer.piece.to(getattr(torch, precision))
    balancer.prepare(0, {term: x.to(getattr(torch, precision)) for term, x in points.items()})
    assert balancer._jacobian._sweeps is not None


def test_points_with_large_residuals_weigh_more():
    balancer, loss, points = made("residual-attention")
    plain = Loss(loss.problem, TrainConfig.create(SMALL))
    for step in (1, 2):
        total, terms = loss(balancer.piece, points)
        expected = 0.0
        for term in loss.terms:
            r = plain.problem.residuals(balancer.piece, points)[term].abs()[..., 0]
            share = r / r.amax(dim=1, keepdim=True)
            weight = RATE * share if step == 1 else (DECAY * RATE + RATE) * share
            torch.testing.assert_close(balancer.state[term], weight.detach())
            expected = expected + (weight * r).square().mean(dim=1)
        torch.testing.assert_close(total, expected)
        torch.testing.assert_close(terms, plain(balancer.piece, points)[1])


@pytest.mark.parametrize("name", list(BALANCINGS))
def test_replayed_steps_are_the_steps_themselves(name, monkeypatch):
    fixed = {"redraw_every": 0} if BALANCINGS.get(name).of_points else {}
    config = TrainConfig.create({**SMALL, **fixed, "balancing": name, "balance_every": 7})
    setup = Setup(load_problem("heat"), config)
    replayed, plain = Trainer(setup, [1, 2]), Trainer(setup, [1, 2])
    monkeypatch.setattr(plain._stage, "_update", plain._stage._updated)
    for trainer in (replayed, plain):
        trainer.advance(40)
    assert replayed.operations is not None
    assert torch.equal(replayed.curves.losses, plain.curves.losses)
