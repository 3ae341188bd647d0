"""What a network sees in place of its inputs."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import Setup, TrainConfig, load_problem
from dgm_core.networks import EMBEDDINGS
from dgm_core.random_streams import stream
from dgm_core.training.solution import Solution


@pytest.mark.parametrize("name", list(EMBEDDINGS))
def test_every_embedding_maps_each_replicate_and_point_by_itself(name):
    config = TrainConfig.create({"embedding": name, "embedding_features": 5, "embedding_scale": 2.0})
    kind = EMBEDDINGS.get(name)
    made = kind(3, config, [stream(seed, "embedding") for seed in (1, 2)])
    x = torch.randn(2, 7, 3, generator=stream(0))
    y = made(x)
    assert y.shape == (2, 7, kind.outputs(3, config))
    assert all(len(value) == 2 for value in made.state_dict().values())
    torch.testing.assert_close(made(x[:, 2:4]), y[:, 2:4])
    alone = kind(3, config, [stream(2, "embedding")])
    torch.testing.assert_close(alone(x[1:]), y[1:])
    assert not torch.equal(made(x[:1].expand(2, -1, -1))[0], y[1])


def test_frequencies_have_the_scale_and_are_not_trained():
    config = TrainConfig.create({"embedding": "fourier", "embedding_features": 2000, "embedding_scale": 3.0})
    made = EMBEDDINGS.get("fourier")(2, config, [stream(0)])
    assert not list(made.parameters())
    assert made.frequencies.std().item() == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("harmonics", [1, 2, 5])
def test_a_periodic_axis_gives_the_network_its_harmonics(harmonics):
    changes = {"hard_conditions": True, "harmonics": harmonics, "width": 6, "depth": 1}
    setup = Setup(load_problem("advection"), TrainConfig.create(changes))
    piece = Solution(setup, [1]).double().piece(0)
    axis = setup.problem.inputs[0]
    x = torch.rand(1, 9, 2, dtype=torch.float64, generator=stream(0))
    seen = piece.scaling(x)
    angle = 2 * math.pi * (x[..., :1] - axis.lower) / (axis.upper - axis.lower)
    multiples = angle * torch.arange(1, harmonics + 1)
    torch.testing.assert_close(seen, torch.cat([multiples.cos(), multiples.sin(), x[..., 1:]], dim=-1))
    moved = x + torch.tensor([axis.upper - axis.lower, 0.0], dtype=torch.float64)
    torch.testing.assert_close(piece.network(piece.scaling(moved)), piece.network(seen))
