"""Derivatives carried forward agree with nested reverse passes, whatever is trained."""

from __future__ import annotations

import pytest
import torch

from dgm_core import Setup, TrainConfig, Trainer, load_problem
from dgm_core.calculus import Carried
from dgm_core.networks import ACTIVATIONS, NETWORKS
from dgm_core.problems import PROBLEMS
from dgm_core.training.loss import Loss
from dgm_core.training.sampling import PointSource
from dgm_core.training.solution import Piece

SEEDS = (1, 2)
SMALL = {"width": 6, "depth": 2, "batch_size": 7}

PARAMETERS = {"poisson-nd": {"dimensions": 4}}
CARRIED = [*PROBLEMS.names()]


def loss_and_gradient(problem, config, carry):
    piece = Piece(problem, config, SEEDS).double()
    points = PointSource(problem.regions(), config.batch_size, SEEDS, dtype=torch.float64).next()
    loss = Loss(problem, config, carry=carry)
    total, terms = loss(piece, points)
    gradients = torch.autograd.grad(total.sum(), list(piece.parameters()), allow_unused=True)
    assert isinstance(loss._field, Carried) == carry
    flat = [torch.zeros(1, dtype=torch.float64) if g is None else g.flatten() for g in gradients]
    return terms, torch.cat(flat)


def agree(problem, **changes):
    config = TrainConfig.create({**SMALL, "input_scaling": "unit", **changes})
    one, two = (loss_and_gradient(problem, config, carry) for carry in (True, False))
    for found, expected in zip(one, two, strict=True):
        assert torch.allclose(found, expected, rtol=1e-8, atol=1e-8 * expected.abs().max().item())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("network", NETWORKS.names())
def test_losses_and_gradients_agree_with_every_activation(network, activation):
    agree(load_problem("burgers"), network=network, activation=activation, hard_conditions=True)


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("network", NETWORKS.names())
@pytest.mark.parametrize("name", CARRIED)
def test_losses_and_gradients_agree_of_every_problem(name, network, hard):
    problem = load_problem(name, PARAMETERS.get(name, {}))
    if hard and not problem.hard_terms:
        pytest.skip("no condition holds by construction")
    agree(problem, network=network, hard_conditions=hard)


OPTIONS = {
    "factors": {"weight_factorisation": 0.5, "activation_slope": 3.0},
    "features": {"embedding": "fourier", "embedding_features": 3, "embedding_scale": 2.0},
    "harmonics": {"hard_conditions": True, "harmonics": 3},
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("network", NETWORKS.names())
def test_what_a_network_may_be_given_is_carried(option, network):
    agree(load_problem("advection"), network=network, **OPTIONS[option])


@pytest.mark.parametrize("name", CARRIED)
def test_trainings_agree_over_hundreds_of_steps(name):
    problem = load_problem(name, PARAMETERS.get(name, {}))
    # An odd network fits an odd function with biases whose gradients are rounding, which Adam makes steps of.
    activation = "silu" if name == "function-fit" else "tanh"
    chosen = {"iterations": 300, "learning_rate": 1e-4, "activation": activation}
    config = TrainConfig.create({**SMALL, **chosen})
    carried, nested = (Trainer(Setup(problem, config), SEEDS, carry=carry) for carry in (True, False))
    for trainer in (carried, nested):
        trainer.advance(300)
    found, expected = carried.curves.losses, nested.curves.losses
    assert torch.allclose(found, expected, rtol=2e-3, atol=1e-5 * expected.abs().max().item())


@pytest.mark.parametrize("changes", [{"batch_norm": "before"}, {"dropout": 0.2}])
def test_what_cannot_be_carried_is_nested(changes):
    setup = Setup(load_problem("heat"), TrainConfig.create({**SMALL, **changes, "iterations": 10}))
    trainer = Trainer(setup, SEEDS)
    trainer.advance(3)
    assert trainer._stage._loss._field is trainer._stage.piece
    assert trainer.operations is not None  # and replayed all the same


def operations(setup, *, carry=True):
    """Tensor operations of a recorded step."""
    trainer = Trainer(setup, SEEDS, carry=carry)
    trainer.advance(3)
    return trainer.operations


def test_a_carried_step_takes_less_than_half_the_operations_of_nested_passes():
    setup = Setup.named(load_problem("heat"), "paper")
    assert operations(setup) < 0.5 * operations(setup, carry=False)


def test_a_laplacian_takes_at_most_one_more_operation_for_each_dimension():
    def of(dimensions):
        problem = load_problem("poisson-nd", {"dimensions": dimensions})
        return operations(Setup(problem, TrainConfig.create({**SMALL, "iterations": 10})))

    assert of(40) - of(4) <= 40 - 4  # the first derivative along each axis is set once a step


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.1}, {"batch_norm": "after"}, {"averaging": 0.9}])
def test_replayed_steps_equal_steps_that_run(changes, monkeypatch):
    config = TrainConfig.create(
        {**SMALL, **changes, "iterations": 40, "learning_rate": 1e-2, "schedule": "cosine", "clip_norm": 1.0}
    )
    setup = Setup(load_problem("heat"), config)
    replayed = Trainer(setup, SEEDS)
    replayed.advance(40)
    assert replayed.operations is not None
    monkeypatch.setattr("dgm_core.tape.recording.LARGEST", 0)
    run = Trainer(setup, SEEDS)
    run.advance(40)
    assert run.operations is None
    assert torch.equal(replayed.curves.losses, run.curves.losses)
    assert torch.equal(replayed.predict(), run.predict())
