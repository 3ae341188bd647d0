"""Random directions in the loss: unbiased as a product of two estimates, and not as a square."""

from __future__ import annotations

import pytest
import torch

from dgm_core.problems import load_problem
from dgm_core.training import Setup, Trainer
from dgm_core.training.sampling import PointSource

torch.set_num_threads(1)


def test_the_product_of_two_estimates_leaves_their_variance_out() -> None:
    """Of u + x₁ x₂, whose Laplacian is that of u and whose Hessian has two entries of 1 off the diagonal."""
    probes = 2
    problem = load_problem("poisson-nd", {"dimensions": 6, "probes": probes})
    points = PointSource(problem.regions(), 20_000, [3], dtype=torch.float64).next()
    first, second = problem.residuals(lambda x: problem.reference(x) + x[..., :1] * x[..., 1:2], points)[
        "interior"
    ]
    variance = 2.0 * 2.0 / probes
    assert first.square().mean().item() == pytest.approx(variance, rel=0.05)
    assert (first * second).mean().item() == pytest.approx(0.0, abs=5 * variance / 20_000**0.5)


def test_three_hundred_dimensions_are_trained_along_random_directions() -> None:
    problem = load_problem("poisson-nd", {"dimensions": 300, "probes": 4})
    changes = {"iterations": 60, "width": 16, "polish_iterations": 0}
    trainer = Trainer(Setup.named(problem).changed(changes), [0])
    before = trainer.evaluate().rel_l2[0]
    trainer.advance(60)
    assert trainer.evaluate().rel_l2[0] < 0.3 * before
