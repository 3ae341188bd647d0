"""Settings that change on a training's way: the same bits wherever it was interrupted, whoever began it."""

from __future__ import annotations

from typing import Any

import torch

from dgm_core import Trainer
from studies.records.events import ScheduleStep
from studies.trials.schedule import Scheduled
from studies.trials.trainable import run_trial
from tests.studies.running.synthetic import BASE

SETUP = BASE.changed({"iterations": 60, "learning_rate": 0.02, "batch_size": 8, "loss_weights.initial": 2.0})
FIRST = {"learning_rate": 0.005, "batch_size": 4, "loss_weights.initial": 1.0}
LAST = {"learning_rate": 0.02, "batch_size": 8, "loss_weights.initial": 2.0}
STEPS = [ScheduleStep(iteration=0, settings=FIRST), ScheduleStep(iteration=20, settings=LAST)]
SEEDS = [3, 4]


def trained(
    state: Any = None, *, until: int | None = None, setup: Any = SETUP, steps: Any = STEPS
) -> Trainer:
    """As far as asked, and what was saved last."""
    last: list[Trainer] = []
    run_trial(setup, SEEDS, (20, 40), lambda *_: None, last.append, state, until=until, schedule=steps)
    return last[-1]


def losses(trainer: Trainer) -> torch.Tensor:
    return trainer.curves.state()["losses"]


def test_it_goes_on_from_another_s_state_as_if_it_had_trained_all() -> None:
    whole = trained()
    other = trained(until=20, setup=SETUP.changed(FIRST), steps=[])  # the trial that is taken over
    assert torch.equal(losses(trained(other.state())), losses(whole))
    late = trained(until=40)
    assert late.iteration == 40
    assert torch.equal(losses(trained(late.state())), losses(whole))


def test_settings_change_where_the_schedule_says() -> None:
    whole, first = trained(), trained(setup=SETUP.changed(FIRST), steps=[])
    assert torch.equal(losses(whole)[:20], losses(first)[:20])
    assert not torch.equal(losses(whole)[20:], losses(first)[20:])
    assert whole.setup == SETUP
    scheduled = Scheduled(SETUP, STEPS)
    assert torch.equal(losses(scheduled.advance(scheduled.trainer(SEEDS), 60)), losses(whole))


def test_without_a_schedule_nothing_is_other_than_before() -> None:
    alone = Trainer(SETUP, SEEDS)
    alone.advance(60)
    assert torch.equal(losses(trained(steps=[])), losses(alone))
    assert Scheduled(SETUP).places == []
