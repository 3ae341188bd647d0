"""Successive halving's decisions and their evidence, by hand."""

from __future__ import annotations

import math

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
