"""A trial without Ray: what it reports and saves, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch

from dgm_core import Setup, Trainer, load_problem
from studies.records.events import Metrics, Telemetry
from studies.trials import trainable
from studies.trials.trainable import looks, progress, run_trial, truncated

SETUP = Setup.named(load_problem("heat")).changed({"batch_size": 4, "width": 4, "iterations": 60})


class Collected:
    """What a trial reports and saves."""

    def __init__(self) -> None:
        self.metrics: list[Metrics] = []
        self.telemetry: list[Telemetry | None] = []
        self.states: list[dict[str, Any]] = []

    def report(self, trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
        self.telemetry.append(telemetry)
        if metrics is not None:
            self.metrics.append(metrics)

    def save(self, trainer: Trainer) -> None:
        self.states.append(trainer.state())


def trained(
    rungs: Sequence[int], state: Mapping[str, Any] | None = None, setup: Setup = SETUP, seeds: int = 2
) -> Collected:
    seen = Collected()
    run_trial(setup, range(seeds), rungs, seen.report, seen.save, state)
    return seen


def same_curves(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    equal = torch.equal(one["losses"], other["losses"])
    return equal and one["errors"] == other["errors"]


def test_every_rung_and_the_end_are_saved_and_reported_at_their_very_iteration() -> None:
    seen = trained([7, 20, 33])
    assert [m.iterations for m in seen.metrics] == [7, 20, 33, 60]
    assert [m.final for m in seen.metrics] == [False, False, False, True]
    assert {7, 20, 33, 60} <= {state["iteration"] for state in seen.states}


def test_the_error_is_measured_at_iterations_that_the_length_alone_decides() -> None:
    measured = [iteration for iteration, _ in trained([7]).states[-1]["curves"]["errors"]]
    assert measured == sorted({*looks(60), 7})
    assert looks(60) == (1, 2, 5, 10, 20, 50, 60)
    assert {500, 1_000, 14_500} <= set(looks(15_000))
    assert len(looks(1_000_000)) < 60


def test_rungs_do_not_change_what_is_trained() -> None:
    assert trained([]).metrics[-1].score == trained([1, 2, 59]).metrics[-1].score


def test_a_trial_resumes_where_its_checkpoint_left_it_with_the_same_curve() -> None:
    whole = trained([30])
    rest = trained([30], next(state for state in whole.states if state["iteration"] == 30))
    assert [m.iterations for m in rest.metrics] == [30, 60], "who is lost may not have heard of the rung"
    assert rest.metrics[0].score == whole.metrics[0].score
    assert same_curves(rest.states[-1]["curves"], whole.states[-1]["curves"])


def test_a_trial_saved_by_the_clock_resumes_with_the_same_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained([])
    monkeypatch.setattr(trainable, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(trainable, "REPORT_SECONDS", 0.0)
    often = trained([])
    assert len(often.states) == 60
    for state in often.states[::7]:
        assert same_curves(trained([], state).states[-1]["curves"], whole.states[-1]["curves"])


def test_a_trial_that_had_ended_reports_its_end_again() -> None:
    whole = trained([30])
    again = trained([30], whole.states[-1])
    assert [m.score for m in again.metrics] == [whole.metrics[-1].score]


def test_curves_end_where_a_trial_was_stopped() -> None:
    curves = truncated(trained([]).states[-1]["curves"], 20, lambda window: 30 * (window + 1))
    assert len(curves["losses"]) == 20
    assert max(iteration for iteration, _ in curves["errors"]) == 20


def test_the_score_is_the_median_of_the_replicates_errors() -> None:
    last = trained([], seeds=3).metrics[-1]
    values = [value for value in last.replicates.scores if value is not None]
    assert last.score == sorted(values)[1]
    assert len(set(values)) == 3


@pytest.mark.parametrize("replicates", [1, 3])
def test_a_diverged_trial_says_so_and_ends(replicates: int) -> None:
    setup = SETUP.changed({"learning_rate": 1e30, "iterations": 5_000})
    last = trained([], setup=setup, seeds=replicates).metrics[-1]
    assert last.final
    assert last.iterations < 5_000
    assert last.score is None
    assert last.diverged
    assert last.replicates.status == ["diverged"] * replicates
    assert all(at is not None for at in last.replicates.diverged_at)


@pytest.mark.parametrize("rungs", [[], [30]])
def test_no_rung_and_no_curve_sees_a_polish_unfinished(
    rungs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    polished = {"windows": 2, "polish_iterations": 6, "polish_points": 8, "hard_conditions": True}
    setup = Setup.named(load_problem("exponential-decay")).changed({**polished, "width": 4, "iterations": 60})
    whole = trained(rungs, setup=setup)
    monkeypatch.setattr(trainable, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(trainable, "REPORT_SECONDS", 0.0)
    paused = trained(rungs, setup=setup)
    assert [m.iterations for m in paused.metrics] == [*rungs, 60]
    assert [m.score for m in paused.metrics] == [m.score for m in whole.metrics]
    midst = [state for state in paused.states if state["iteration"] == 30]
    assert len(midst) > 2, "a polish is saved from its midst"
    for state in midst:
        again = trained(rungs, state, setup=setup)
        assert again.metrics[-1].score == whole.metrics[-1].score
        assert same_curves(again.states[-1]["curves"], whole.states[-1]["curves"])


def test_a_polish_is_told_of_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainable, "REPORT_SECONDS", 0.0)
    changes = {"polish_iterations": 6, "polish_points": 8, "width": 4, "iterations": 20}
    setup = Setup.named(load_problem("exponential-decay")).changed(changes)
    said: list[dict[str, Any]] = []

    def report(trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
        said.append(progress(trainer, telemetry))

    run_trial(setup, [1, 2], [], report, lambda trainer: None)
    steps = [told for told in said if told["polish"] is not None]
    assert [told["polish"] for told in said[: -len(steps) - 1]] == [None] * 19
    assert len(steps) > 3, "one for each look, the last of which ends the training"
    assert {(told["iterations"], told["polish_of"]) for told in steps} == {(20, 6)}
    assert [told["polish"] for told in steps] == sorted(told["polish"] for told in steps)
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert said[-1]["polish"] is None


def test_who_listens_can_end_a_trial_in_the_midst_of_its_polish(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a search's time limit does."""
    monkeypatch.setattr(trainable, "REPORT_SECONDS", 0.0)
    setup = SETUP.changed({"polish_iterations": 10**6, "polish_points": 8, "iterations": 2})

    def report(trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
        if trainer.polishing:
            raise SystemExit

    with pytest.raises(SystemExit):
        run_trial(setup, [1], [], report, lambda trainer: None)
