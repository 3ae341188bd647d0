"""The quasi-Newton polish: it lowers the loss, per replicate, in float64, and is counted apart."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from dgm_core import Trainer, train
from dgm_core.training.loss import Loss
from dgm_core.training.polish import Polish, Polished

POLISH = {"polish_iterations": 60, "polish_points": 32, "hard_conditions": True, "input_scaling": "unit"}
ODE = "exponential-decay"


def polished(solution, window: int = 0, **options) -> list[Polished]:
    polish = Polish(solution, window, **options)
    while not polish.done:
        polish.step()
    return polish.records()


def test_it_lowers_loss_and_error_of_every_replicate(make_setup):
    plain = train(make_setup(ODE, hard_conditions=True, input_scaling="unit"), [1, 2, 3])
    result = train(make_setup(ODE, **POLISH), [1, 2, 3])
    assert len(result.polished) == 3
    for k, what in enumerate(result.polished):
        assert (what.window, what.replicate) == (0, k)
        assert what.loss_after < 1e-3 * what.loss_before
        assert 0 < what.iterations <= 60
        assert result.errors.mae[k] < 0.05 * plain.errors.mae[k]


def test_steps_and_curves_are_those_without_it_and_seconds_include_it(make_setup):
    plain = train(make_setup(ODE, hard_conditions=True, input_scaling="unit"), [1, 2])
    result = train(make_setup(ODE, **POLISH), [1, 2])
    assert result.iterations == plain.iterations == 60
    assert torch.equal(result.curves.losses, plain.curves.losses)
    assert result.seconds > sum(what.seconds for what in result.polished) > 0


def test_weights_are_float64_and_the_loss_is_theirs(make_setup):
    trainer = Trainer(make_setup(ODE, **POLISH), [1, 2])
    trainer.advance(60)
    result = trainer.result()
    assert all(value.dtype == torch.float64 for value in result.weights.values())
    alone = trainer.network.replicate(0, 1)
    t = torch.linspace(0, 1, 200, dtype=torch.float64)[None, :, None]
    total, _ = Loss(alone.problem, trainer.setup.config)(alone, {"interior": t, "initial": t[:, :1]})
    assert math.log10(total.item()) == pytest.approx(math.log10(result.polished[1].loss_after), abs=1.0)


def test_a_replicate_is_polished_as_if_alone(make_setup):
    setup = make_setup(ODE, **{**POLISH, "polish_iterations": 5})
    pair, alone = train(setup, [1, 2]), train(setup, [2])
    assert pair.polished[1].loss_after == pytest.approx(alone.polished[0].loss_after, rel=0.05)


def test_every_window_is_polished_before_the_next_begins(make_setup):
    result = train(make_setup(ODE, windows=2, **POLISH), [1, 2])
    assert [(p.window, p.replicate) for p in result.polished] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert max(result.errors.mae) < 1e-4


@pytest.mark.parametrize(
    "changes", [{"batch_norm": "before"}, {"dropout": 0.1}, {"l2": 1e-4, "averaging": 0.9}]
)
def test_with_other_options_it_never_raises_the_loss(make_setup, changes):
    result = train(make_setup("heat", polish_iterations=5, polish_points=16, **changes), [1, 2])
    assert all(what.loss_after < what.loss_before for what in result.polished)


def test_it_draws_the_points_it_is_told_and_stays_bounded_where_estimates_are_unbiased(make_setup):
    changes = {"polish_points": 24, "polish_iterations": 3, "problem.unbiased": True, "problem.nodes": 5}
    setup = make_setup("fredholm").changed(changes)
    trainer = Trainer(setup, [1])
    trainer.advance(60)
    drawn = []
    piece = trainer.network.piece(0)
    piece.network.register_forward_pre_hook(lambda _, given: drawn.append(given[0].shape[1]))
    (found,) = polished(trainer.network, carry=False)  # the hook sees tensors
    assert set(drawn) == {24 + 2 * 24 * 5}
    assert found.loss_after >= 0.0
    assert all(what.loss_after >= 0.0 for what in trainer.polished)
    assert piece.problem is setup.problem


def test_a_lost_replicate_is_left_as_it_is(make_setup):
    trainer = Trainer(make_setup(ODE, **POLISH), [1, 2])
    with torch.no_grad():
        for parameter in trainer.network.parameters():
            parameter[0] = torch.nan
    lost, other = polished(trainer.network)
    assert math.isnan(lost.loss_after)
    assert lost.iterations == 0
    assert all(parameter[0].isnan().all() for parameter in trainer.network.parameters())
    assert other.loss_after < 1.0


def test_the_clock_never_parts_the_last_step_from_its_polish(make_setup):
    """A rung at a window's end must mean the same weights on any machine."""
    trainer = Trainer(make_setup(ODE, windows=2, **{**POLISH, "polish_iterations": 3}), [1, 2])
    for _ in range(29):
        trainer.advance(60, seconds=0.0)
    assert not trainer.polished
    trainer.advance(60, seconds=0.0)
    assert trainer.iteration == 30
    assert len(trainer.polished) == 2
    for _ in range(30):
        assert not trainer.done
        trainer.advance(60, seconds=0.0)
    assert trainer.done
    assert [str(s) for s in trainer.result().status] == ["completed"] * 2


def test_a_polish_can_be_paused_and_is_no_iteration_of_its_own(make_setup):
    trainer = Trainer(make_setup(ODE, **{**POLISH, "polish_iterations": 8}), [1, 2])
    trainer.advance(60, seconds=0.0, pause_polish=True)
    while not trainer.polishing:
        trainer.advance(60, seconds=0.0, pause_polish=True)
    measured, losses, pauses = list(trainer.curves.errors), [], 0
    while trainer.polishing:
        assert trainer.iteration == 60
        assert not trainer.done
        result = trainer.result()
        assert [str(status) for status in result.status] == ["interrupted"] * 2
        losses.append([what.loss_after for what in result.polished])
        trainer.advance(60, seconds=0.0, pause_polish=True)
        pauses += 1
    assert 8 <= pauses <= 36
    assert all(later <= before for rows in zip(*losses, strict=True) for before, later in pairwise(rows))
    assert trainer.curves.errors == measured, "an error in the midst of a polish depends on the clock"
    assert trainer.done
    assert [what.iterations for what in trainer.polished] == [8, 8]


def test_between_its_steps_the_weights_are_those_of_the_loss_reached(make_setup):
    polish = Polish(Trainer(make_setup(ODE, **POLISH), [1, 2]).network, 0)
    for _ in range(10):
        polish.step()
        descent = polish.descent
        total, _ = descent.objective.loss(descent.piece, descent._points)
        assert total.tolist() == pytest.approx([what.loss_after for what in polish.records()], rel=1e-12)


def test_an_interrupt_leaves_the_weights_of_the_last_step(make_setup, monkeypatch):
    polish = Polish(Trainer(make_setup(ODE, **POLISH), [1, 2]).network, 0)
    for _ in range(5):
        polish.step()
    before = {name: value.clone() for name, value in polish.descent.piece.state_dict().items()}

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(polish.descent.objective, "_differentiate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        polish.step()
    assert all(torch.equal(value, before[name]) for name, value in polish.descent.piece.state_dict().items())


def test_seconds_are_shared_by_those_that_still_step(make_setup):
    trainer = Trainer(make_setup(ODE, **POLISH), [1, 2])
    with torch.no_grad():
        for parameter in trainer.network.parameters():
            parameter[0] = torch.nan
    lost, other = polished(trainer.network)
    assert lost.evaluations == 1
    assert 0 < lost.seconds < other.seconds
