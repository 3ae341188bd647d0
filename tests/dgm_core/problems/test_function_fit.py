"""The function fit: every iteration sees the same samples."""

from __future__ import annotations

import pytest
import torch

from dgm_core.formulation import FixedNodes
from dgm_core.problems import load_problem
from dgm_core.training.sampling import PointSource


@pytest.mark.parametrize("batch_size", [1, 50, 64])
@pytest.mark.parametrize("sampler", ["uniform", "sobol"])
def test_all_samples_at_every_iteration(batch_size: int, sampler: str) -> None:
    problem = load_problem("function-fit")
    source = PointSource(problem.regions(), batch_size, (0, 1), sampler=sampler, dtype=torch.float64)
    expected = torch.linspace(-1.0, 1.0, 50, dtype=torch.float64)[:, None].expand(2, 50, 1)
    for _ in range(3):
        assert torch.equal(source.next()["samples"], expected)


def test_errors_are_measured_between_the_samples() -> None:
    problem = load_problem("function-fit")
    nodes = problem.regions()["samples"].place(torch.zeros(50, 0, dtype=torch.float64))
    shared = set(nodes[:, 0].tolist()) & set(problem.evaluation_points()[:, 0].tolist())
    assert len(shared) == 2


def test_fixed_nodes_keep_their_box() -> None:
    nodes = torch.tensor([[0.0, 2.0], [1.0, -1.0]], dtype=torch.float64)
    region = FixedNodes.of(nodes)
    assert region.bounds == ((0.0, 1.0), (-1.0, 2.0))
    assert torch.equal(region.place(torch.zeros(4, 3, 2, 0, dtype=torch.float64))[3, 1], nodes)
