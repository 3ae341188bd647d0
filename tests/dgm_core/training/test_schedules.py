"""Learning-rate schedules as values, and the rate that a training uses."""

from __future__ import annotations

import math

import pytest

from dgm_core import ConfigurationError, TrainConfig, Trainer
from dgm_core.training.schedules import SCHEDULES


def factors(schedule: str, at: list[int], **config) -> list[float]:
    values = TrainConfig(schedule=schedule, iterations=100, **config)
    return [SCHEDULES[schedule](iteration, values) for iteration in at]


def test_constant():
    assert factors("constant", [0, 50, 99]) == [1.0, 1.0, 1.0]


def test_step_falls_at_each_milestone():
    at = [0, 29, 30, 59, 60, 99]
    expected = [1, 1, 0.1, 0.1, 0.01, 0.01]
    assert factors("step", at, milestones=(30, 60), decay=0.1) == pytest.approx(expected)


def test_exponential_is_geometric():
    assert factors("exponential", [0, 50, 100], decay=0.01) == pytest.approx([1, 0.1, 0.01])


def test_cosine_ends_at_its_decay():
    assert factors("cosine", [0, 50, 100]) == pytest.approx([1, 0.5, 0], abs=1e-12)
    assert factors("cosine", [0, 25, 100], decay=0.2) == pytest.approx(
        [1, 0.2 + 0.4 * (1 + math.cos(math.pi / 4)), 0.2]
    )


def test_cooldown_is_constant_and_falls_over_the_last_fifth():
    assert factors("cooldown", [0, 50, 80, 90, 100]) == pytest.approx([1, 1, 1, 0.5, 0], abs=1e-12)
    assert factors("cooldown", [90, 100], decay=0.2) == pytest.approx([0.6, 0.2])


def test_a_branch_ends_where_a_training_of_its_length_does_and_leaves_its_trunk_alone(make_setup):
    setup = make_setup("exponential-decay", schedule="cooldown", iterations=40, averaging=0.9)
    short, trunk, whole = (Trainer(each, [1, 2]) for each in (setup.shortened(10), setup, setup))
    short.advance(10)
    whole.advance(40)
    trunk.advance(8)
    branch = trunk.branch(10)
    branch.advance(10)
    trunk.advance(40)
    assert branch.done
    assert branch.evaluate().score == pytest.approx(short.evaluate().score, rel=1e-6)
    assert trunk.evaluate().score == pytest.approx(whole.evaluate().score, rel=1e-6)
    with pytest.raises(ConfigurationError, match="no branch of 10 iterations"):
        trunk.branch(10)


@pytest.mark.parametrize("windows", [1, 2])
def test_the_optimizer_uses_it_and_each_window_restarts_it(make_setup, windows):
    setup = make_setup(
        "exponential-decay", schedule="step", milestones=(5,), decay=0.5, windows=windows, iterations=20
    )
    trainer = Trainer(setup, [1])
    rates = []
    for iteration in range(1, 21):
        trainer.advance(iteration)
        rates.append(trainer._stage._optimizer.rate.item() / setup.config.learning_rate)
    assert rates[:5] == pytest.approx([1.0] * 5)
    assert rates[5:9] == pytest.approx([0.5] * 4)
    assert rates[10] == pytest.approx(1.0 if windows == 2 else 0.5)
    assert rates[-1] == pytest.approx(0.5)
