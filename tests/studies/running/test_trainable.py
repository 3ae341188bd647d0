"""A trial without Ray: what it reports and when."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from dgm_core import Setup, Trainer, load_problem
from studies.running.trainable import PENALTY, SCORE, TIME, run_trial

SETUP = Setup.named(load_problem("heat")).changed({"batch_size": 4, "width": 4, "iterations": 60})


class Collected:
    """A report that keeps what it is given."""

    def __init__(self) -> None:
        self.metrics: list[dict[str, Any]] = []
        self.states: list[tuple[int, dict[str, Any]]] = []

    def __call__(self, metrics: dict[str, Any], trainer: Trainer, write: bool) -> None:
        self.metrics.append(metrics)
        if write:
            self.states.append((trainer.iteration, trainer.state()))


def test_every_rung_and_the_end_are_reported_at_their_very_iteration() -> None:
    seen = Collected()
    run_trial(SETUP, [0, 1], [7, 20, 33], seen)
    assert [m[TIME] for m in seen.metrics if m["at_rung"]] == [7, 20, 33]
    assert [m[TIME] for m in seen.metrics if m["final"]] == [60]
    assert [iteration for iteration, _ in seen.states] == [7, 20, 33, 60]


def test_the_error_is_measured_early_whatever_the_time() -> None:
    seen = Collected()
    run_trial(SETUP, [0, 1], [7], seen)
    measured = [iteration for iteration, _ in seen.states[-1][1]["curves"]["errors"]]
    assert set(measured) >= {1, 2, 5, 7, 10, 20, 50, 60}
    assert measured == sorted(measured)


def test_rungs_do_not_change_what_is_trained() -> None:
    plain, stepped = Collected(), Collected()
    run_trial(SETUP, [0, 1], [], plain)
    run_trial(SETUP, [0, 1], [1, 2, 59], stepped)
    assert plain.metrics[-1][SCORE] == stepped.metrics[-1][SCORE]


def test_a_trial_resumes_where_its_checkpoint_left_it() -> None:
    whole, rest = Collected(), Collected()
    run_trial(SETUP, [0, 1], [30], whole)
    run_trial(SETUP, [0, 1], [30], rest, whole.states[0][1])
    assert rest.metrics[0][TIME] > 30
    assert [m[TIME] for m in rest.metrics if m["at_rung"] or m["final"]] == [60]
    assert torch.equal(rest.states[-1][1]["curves"]["losses"], whole.states[-1][1]["curves"]["losses"])


def test_the_score_is_the_median_of_the_replicates_errors() -> None:
    seen = Collected()
    run_trial(SETUP, [0, 1, 2], [], seen)
    values = seen.metrics[-1]["replicates"]["scores"]
    assert seen.metrics[-1][SCORE] == sorted(values)[1]
    assert len(set(values)) == 3


@pytest.mark.parametrize("replicates", [1, 3])
def test_a_diverged_trial_reports_a_finite_penalty_and_ends(replicates: int) -> None:
    seen = Collected()
    run_trial(SETUP.changed({"learning_rate": 1e30, "iterations": 5_000}), range(replicates), [], seen)
    last = seen.metrics[-1]
    assert last["final"]
    assert last[TIME] < 5_000
    assert last[SCORE] == PENALTY
    assert math.isfinite(last[SCORE])
    assert last["replicates"]["status"] == ["diverged"] * replicates
    assert all(at is not None for at in last["replicates"]["diverged_at"])
