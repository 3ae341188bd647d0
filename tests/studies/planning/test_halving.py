"""Successive halving's decisions and their evidence, by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from studies.planning.halving import SuccessiveHalving


def halving() -> SuccessiveHalving:
    return SuccessiveHalving([10, 20], 2)


def test_a_trial_worse_than_half_of_those_before_it_is_stopped_with_its_evidence() -> None:
    asha = halving()
    decisions = [asha.decide(trial, 10, score) for trial, score in (("a", 1.0), ("b", 3.0), ("c", 1.5))]
    assert [d.stopped for d in decisions] == [False, True, False]
    assert [d.cutoff for d in decisions] == [None, 1.0, 2.0]  # the median of 1 and 3 is 2
    assert [d.recorded for d in decisions] == [0, 1, 2]
    assert [d.score for d in decisions] == [1.0, 3.0, 1.5]


def test_rungs_do_not_know_of_each_other() -> None:
    asha = halving()
    asha.decide("a", 10, 1.0)
    assert asha.decide("a", 20, 9.0).recorded == 0


def test_a_score_that_is_only_entered_is_compared_with() -> None:
    asha = halving()
    asha.enter(10, 1.0)
    assert asha.decide("b", 10, 9.0).stopped


def test_an_infinite_score_is_stopped_and_recorded_as_such() -> None:
    asha = halving()
    asha.decide("a", 10, 1.0)
    decided = asha.decide("b", 10, math.inf)
    assert decided.stopped
    assert decided.score is None


def test_a_cutoff_is_infinite_where_it_reaches_for_a_penalty_and_not_where_it_is_merely_large() -> None:
    asha = halving()
    scores = (("a", 5_000.0), ("b", math.inf), ("c", 1.0), ("d", 2.0))
    decisions = [asha.decide(trial, 10, score) for trial, score in scores]
    # Half way between 5 000 and the penalty, then the median of three.
    assert [d.cutoff for d in decisions] == [None, 5_000.0, None, 5_000.0]
    assert [d.bounded for d in decisions] == [True, True, False, True]


@settings(max_examples=40, deadline=None)
@given(
    reduction_factor=st.integers(2, 4),
    scores=st.lists(st.tuples(*[st.floats(1e-6, 1e3)] * 3), min_size=1, max_size=25),
)
def test_decisions_are_those_of_rays_own_asha_where_both_are_defined(
    reduction_factor: int, scores: list[tuple[float, ...]]
) -> None:
    """Trials that report exactly at the rungs, one after another: Ray's back-filling of lower rungs by
    later reports, and what it does with NaN, are not defined here."""
    rungs = [10 * reduction_factor**j for j in range(3)]
    ours = SuccessiveHalving(rungs, reduction_factor)
    rays = AsyncHyperBandScheduler(
        time_attr="iterations",
        metric="score",
        mode="min",
        grace_period=10,
        max_t=10 * reduction_factor**3,
        reduction_factor=reduction_factor,
    )
    for number, reports in enumerate(scores):
        trial = SimpleNamespace(trial_id=str(number), status="RUNNING")
        rays.on_trial_add(None, trial)
        for rung, score in zip(rungs, reports, strict=True):
            stopped = ours.decide(trial.trial_id, rung, score).stopped
            theirs = rays.on_trial_result(None, trial, {"iterations": rung, "score": score})
            assert stopped == (theirs == TrialScheduler.STOP)
            if stopped:
                break
