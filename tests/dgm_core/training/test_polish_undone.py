"""A polish that learns its own points by heart is undone, replicate by replicate."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dgm_core import Trainer

BY_HEART = {"polish_iterations": 150, "polish_points": 2}
"""Far fewer residuals than there are weights."""


@pytest.fixture
def trained(make_setup: Any) -> Any:
    """(**changes) -> two replicates, trained to their end."""

    def train(**changes: object) -> Trainer:
        trainer = Trainer(make_setup("heat", iterations=200, width=24, batch_size=64, **changes), [0, 1])
        trainer.advance(200)
        return trainer

    return train


def test_weights_are_those_before_where_the_loss_on_other_points_grew(trained: Any) -> None:
    unpolished, polished = trained(), trained(**BY_HEART)
    done = polished.result().polished
    assert all(record.loss_after < 0.1 * record.loss_before for record in done), (
        "on its own points it went well"
    )
    assert [record.undone for record in done] == [True, True]
    torch.testing.assert_close(polished.predict(), unpolished.predict(), rtol=1e-5, atol=1e-6)
    assert any("undone for 2 of 2" in note for note in polished.notes)


def test_a_polish_on_points_enough_stays(trained: Any) -> None:
    polished = trained(polish_iterations=60, polish_points=300)
    assert not any(record.undone for record in polished.result().polished)
    assert not any("undone" in note for note in polished.notes)
    errors = zip(polished.result().errors.mae, trained().result().errors.mae, strict=True)
    assert all(after < before for after, before in errors)


@pytest.mark.parametrize("optimizer", ["lbfgs", "gauss-newton"])
def test_one_that_is_interrupted_is_undone_all_the_same(trained: Any, optimizer: str) -> None:
    whole = trained(polish=optimizer, **BY_HEART)
    first = Trainer(whole.setup, [0, 1])
    while not first.polishing or first.progress.done < 3:
        first.advance(200, seconds=0.0, pause_polish=True)
    second = Trainer(whole.setup, [0, 1])
    second.restore(first.state())
    second.advance(200)
    assert [record.undone for record in whole.result().polished] == [True, True]
    assert [record.undone for record in second.result().polished] == [True, True]
    assert torch.equal(second.predict(), whole.predict())
