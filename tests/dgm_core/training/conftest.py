"""Small setups that train in a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from dgm_core import Setup, TrainConfig, Trainer, load_problem

SMALL = {"width": 8, "depth": 2, "batch_size": 8, "iterations": 60, "learning_rate": 1e-2}

MakeSetup = Callable[..., Setup]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def make_setup() -> MakeSetup:
    """(problem name, **changes) -> a small setup."""

    def make(problem: str = "heat", **changes) -> Setup:
        return Setup(load_problem(problem), TrainConfig.create({**SMALL, **changes}))

    return make


@pytest.fixture
def same_training() -> Callable[[Trainer, Trainer], None]:
    """Asserts that two trainers are in the same state, bit for bit."""

    def compare(a: Trainer, b: Trainer) -> None:
        assert a.iteration == b.iteration
        assert torch.equal(a.curves.losses, b.curves.losses)
        weights, others = a.network.weights(), b.network.weights()
        assert weights.keys() == others.keys()
        for name, value in weights.items():
            assert value.dtype == others[name].dtype
            assert torch.equal(value, others[name]), name
        assert torch.equal(a.predict(), b.predict())

    return compare
