"""Replicates: each is what it would be alone, and none harms another."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_core import ConfigurationError, Status, Trainer, train

SEEDS = [11, 3, 7, 20, 5]

OPTIONS = {
    "plain": {},
    "clipped": {"clip_norm": 0.5},
    "dgm": {"network": "dgm", "width": 5, "depth": 1},
    "normalised": {"batch_norm": "before"},
    "dropout": {"dropout": 0.1},
    "penalties": {"l1": 1e-3, "l2": 1e-3},
    "causal": {"causality": 1.0},
    "fourier": {"embedding": "fourier", "embedding_features": 4},
    "piratenet": {"network": "piratenet", "weight_factorisation": 0.5, "activation_slope": 3.0},
    "gradient norms": {"balancing": "gradient-norm", "balance_every": 10},
    "tangent kernel": {"balancing": "ntk", "balance_every": 10},
    "attention": {"balancing": "residual-attention", "redraw_every": 0},
    "averaged": {"averaging": 0.9, "sampler": "sobol"},
}


def test_a_replicate_among_five_equals_the_same_seed_alone_over_300_steps(make_setup):
    setup = make_setup(iterations=300, learning_rate=3e-3)
    five = train(setup, SEEDS)
    for k, seed in enumerate(SEEDS):
        alone = train(setup, [seed])
        # Rounding in another order, carried through 300 steps.
        torch.testing.assert_close(alone.curves.losses[:, 0], five.curves.losses[:, k], rtol=1e-2, atol=1e-5)
        assert alone.errors.mae[0] == pytest.approx(five.errors.mae[k], rel=1e-2)


@pytest.mark.parametrize("option", OPTIONS)
def test_so_it_is_with_every_option(make_setup, option):
    setup = make_setup(iterations=30, learning_rate=1e-3, **OPTIONS[option])
    five, alone = train(setup, SEEDS), train(setup, SEEDS[3:4])
    torch.testing.assert_close(alone.curves.losses[:, 0], five.curves.losses[:, 3], rtol=1e-3, atol=1e-5)
    for name, value in alone.weights.items():
        torch.testing.assert_close(value[0], five.weights[name][3], rtol=1e-2, atol=1e-4)


def test_same_seed_same_curve_bit_for_bit(make_setup):
    first, second = train(make_setup(), [1, 2]), train(make_setup(), [1, 2])
    assert torch.equal(first.curves.losses, second.curves.losses)
    assert first.errors == second.errors
    assert all(torch.equal(value, second.weights[name]) for name, value in first.weights.items())


def test_another_seed_changes_weights_and_points(make_setup):
    trainer = Trainer(make_setup(), [1, 2])
    weights = next(iter(trainer.network.weights().values()))
    points = trainer._stage._points.next()
    assert not torch.equal(weights[0], weights[1])
    assert all(not torch.equal(x[0], x[1]) for x in points.values())


@pytest.mark.parametrize("option", ["plain", "clipped", "normalised", "penalties", "averaged"])
def test_a_lost_replicate_harms_no_other(make_setup, option):
    setup = make_setup(**OPTIONS[option])
    healthy, harmed = Trainer(setup, [1, 2, 3]), Trainer(setup, [1, 2, 3])
    for trainer in (healthy, harmed):
        trainer.advance(10)
    with torch.no_grad():
        for parameter in harmed.network.parameters():
            parameter[1] = math.nan
    for trainer in (healthy, harmed):
        trainer.advance(60)
    expected, result = healthy.result(), harmed.result()
    assert result.status == (Status.COMPLETED, Status.DIVERGED, Status.COMPLETED)
    assert result.curves.diverged_at() == [None, 11, None]
    assert torch.equal(result.curves.losses[:, [0, 2]], expected.curves.losses[:, [0, 2]])
    assert [result.errors.mae[k] for k in (0, 2)] == [expected.errors.mae[k] for k in (0, 2)]
    assert math.isnan(result.errors.mae[1])


def test_divergence_is_a_status_and_ends_the_training(make_setup):
    trainer = Trainer(make_setup(optimizer="sgd", learning_rate=1e30, iterations=10_000), [1, 2])
    trainer.advance(10_000)
    result = trainer.result()
    assert trainer.done
    assert result.iterations < 10_000
    assert result.status == (Status.DIVERGED, Status.DIVERGED)
    assert all(at is not None and at < 20 for at in result.curves.diverged_at())
    assert all(math.isnan(value) for value in result.errors.mae)


@pytest.mark.parametrize("seconds", [0.0, 0.01, math.inf])
def test_the_clock_does_not_decide_when_a_divergence_ends_a_training(make_setup, seconds):
    trainer = Trainer(make_setup(optimizer="sgd", learning_rate=1e30, iterations=1_000), [1])
    while not trainer.done:
        trainer.advance(1_000, seconds=seconds)
    assert trainer.iteration == 200


BASE = {"optimizer": "adamw", "weight_decay": 0.0, "schedule": "cosine", "batch_size": 8, "depth": 2}


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 9},
        {"sampler": "sobol"},
        {"sampler": "stratified"},
        {"optimizer": "adam", "weight_decay": None},
        {"optimizer": "sgd", "weight_decay": None},
        {"weight_decay": 0.5},
        {"learning_rate": 2e-2},
        {"schedule": "exponential", "decay": 0.1},
        {"clip_norm": 1e-3},
        {"l1": 0.1},
        {"l2": 0.1},
        {"loss_weights": {"left": 3.0}},
        {"activation": "sin"},
        {"network": "dgm"},
        {"initialisation": "kaiming_uniform"},
        {"gain": 0.5},
        {"dropout": 0.1},
        {"batch_norm": "before"},
        {"input_scaling": "unit"},
        {"hard_conditions": True},
        {"causality": 1.0},
    ],
    ids=str,
)
def test_every_setting_reaches_the_training(make_setup, change):
    curves = []
    for changes in (BASE, {**BASE, **change}):
        # Adam's first step has the same length for any gradient: the third loss sees the second step.
        trainer = Trainer(make_setup(**changes), [1])
        trainer.advance(4)
        curves.append(trainer.curves.losses[:, 0, 0])
    same = change == {"optimizer": "adam", "weight_decay": None}  # AdamW without decay is Adam
    assert torch.equal(*curves) == same


def test_an_unfinished_training_is_interrupted(make_setup):
    trainer = Trainer(make_setup(), [1])
    trainer.advance(5)
    assert not trainer.done
    assert trainer.result().status == (Status.INTERRUPTED,)


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_no_seeds_or_the_same_twice_are_refused(make_setup, seeds):
    with pytest.raises(ConfigurationError, match="seeds = "):
        Trainer(make_setup(), seeds)


def test_reports_come_between_iterations(make_setup):
    seen = []
    train(make_setup(), [1], on_report=lambda trainer: seen.append(trainer.iteration), report_seconds=0.0)
    assert seen == list(range(1, 61))
