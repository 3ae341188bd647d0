"""Named random streams: a seed and a name decide, and nothing else."""

from __future__ import annotations

import pytest
import torch

from dgm_core.random_streams import stream


def draw(*names: str | int) -> list[float]:
    seed, *path = names
    return torch.rand(8, generator=stream(int(seed), *path)).tolist()


def test_same_seed_and_name_same_numbers():
    assert draw(1, "weights") == draw(1, "weights")


@pytest.mark.parametrize(
    "other", [(2, "weights"), (1, "points"), (1, "weights", 0), (1,), (1, "weights/0"), (11, "weights")]
)
def test_another_seed_or_name_other_numbers(other):
    assert draw(1, "weights") != draw(*other)


def test_the_global_generator_is_neither_read_nor_moved():
    torch.manual_seed(0)
    first = draw(1, "weights")
    before = torch.get_rng_state()
    torch.manual_seed(99)
    assert draw(1, "weights") == first
    torch.manual_seed(0)
    draw(1, "weights")
    assert torch.equal(torch.get_rng_state(), before)


def test_the_numbers_are_those_of_earlier_versions():
    """A seed in a paper must mean the same tomorrow."""
    assert stream(1, "weights").initial_seed() == 13290402987770926735


@pytest.mark.parametrize("before", [0, 3])
def test_a_test_draws_the_same_whatever_was_drawn_before_it(before):
    assert torch.rand(1).item() == pytest.approx(0.49626, abs=1e-5)
    torch.rand(before)
