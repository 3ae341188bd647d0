"""Early stopping: the decisions of each rule and their evidence, by hand."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import MedianPruner
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from dgm_core import ConfigurationError
from studies.stopping import RULES, Finite, Look, Rule, make_rule
from studies.stopping.asha import ASHA


def halving() -> ASHA:
    return ASHA(10, 2, 40)


def looks(rule: Rule, rung: int, *scores: float) -> list[Look]:
    """Trials 0, 1, … at one rung, one after another."""
    return [rule.look(number, rung, score) for number, score in enumerate(scores)]


def test_a_trial_worse_than_half_of_those_before_it_is_stopped_with_its_evidence() -> None:
    decisions = looks(halving(), 10, 1.0, 3.0, 1.5)
    assert [d.stopped for d in decisions] == [False, True, False]
    assert [d.cutoff for d in decisions] == [None, 1.0, 2.0]  # the median of 1 and 3 is 2
    assert [d.recorded for d in decisions] == [0, 1, 2]


def test_rungs_do_not_know_of_each_other() -> None:
    asha = halving()
    asha.look(0, 10, 1.0)
    assert asha.look(0, 20, 9.0).recorded == 0


def test_a_trial_that_ends_at_a_rung_is_compared_with() -> None:
    asha = halving()
    asha.end(0, 10, 1.0)
    asha.end(1, 11, 0.5)
    assert asha.look(2, 10, 9.0) == Look(stopped=True, cutoff=1.0, recorded=1)


def test_an_infinite_score_is_stopped() -> None:
    assert [look.stopped for look in looks(halving(), 10, 1.0, math.inf)] == [False, True]


def test_a_cutoff_is_infinite_where_it_reaches_for_a_penalty_and_not_where_it_is_merely_large() -> None:
    decisions = looks(halving(), 10, 5_000.0, math.inf, 1.0, 2.0)
    # Half way between 5 000 and the penalty, then the median of three.
    assert [d.cutoff for d in decisions] == [None, 5_000.0, None, 5_000.0]
    assert [d.bounded for d in decisions] == [True, True, False, True]


@pytest.mark.parametrize("scale", [1.0, 1e9])  # errors may be in newtons, say
def test_errors_in_any_units_are_told_from_each_other_and_from_a_divergence(scale: float) -> None:
    scores = [scale * score for score in (1.0, 3.0, 1.5, math.inf, 2.0)]
    decisions = looks(halving(), 10, *scores)
    assert [d.stopped for d in decisions] == [False, True, False, True, False]
    assert [d.cutoff for d in decisions] == [None, scale, 2 * scale, 1.5 * scale, 2.25 * scale]
    assert all(d.bounded for d in decisions)
    pruner = make_rule(lambda: MedianPruner(1, 0), 10, 2, 40)
    for number, score in enumerate((scale, 3 * scale)):
        assert pruner.rungs(number)
        assert pruner.look(number, 10, score).stopped == (number == 1)
        if number == 0:
            pruner.end(number, 40, score)


def test_what_stands_for_infinity_is_above_all_scores_so_far() -> None:
    finite = Finite()
    assert [finite(score) for score in (math.inf, 2.0, math.nan, 3e7, math.inf)] == [1e6, 2.0, 1e6, 3e7, 3e8]


def test_the_median_rule_waits_for_four_scores() -> None:
    decisions = looks(make_rule("median", 10, 2, 40), 10, 9.0, 1.0, 2.0, 3.0, 3.0, 2.0)
    assert [d.stopped for d in decisions] == [False, False, False, False, True, False]
    assert decisions[4].cutoff == 2.5


def test_patience_ends_a_trial_that_found_nothing_better_in_three_looks() -> None:
    rule = make_rule("patience", 10, 2, 80)
    assert rule.rungs(0) == (10, 20, 30, 40, 50, 60, 70)
    scores = [4.0, 3.0, 3.5, 2.0, 2.5, math.inf, 2.0]
    decisions = [rule.look(0, 10 * (i + 1), score) for i, score in enumerate(scores)]
    assert [d.stopped for d in decisions] == [False] * 6 + [True]
    assert decisions[-1].cutoff == 2.0
    assert not rule.look(1, 10, 9.0).stopped, "other trials are nothing to it"


def test_hyperbands_brackets_begin_later_and_later_and_compare_among_themselves() -> None:
    rule = make_rule("hyperband", 10, 3, 90)
    starts = [rule.rungs(number) for number in range(20)]
    # Shares for three brackets: 9, 5 (3 · 3 / 2, rounded up) and 3.
    assert [starts[:17].count(rungs) for rungs in ((10, 30), (30,), ())] == [9, 5, 3]
    assert starts[17:] == starts[:3], "dealt again in the same order"
    early = [number for number in range(17) if starts[number] == (10, 30)]
    late = starts.index((30,))
    assert not rule.look(early[0], 30, 1.0).stopped
    assert not rule.look(late, 30, 9.0).stopped
    assert rule.look(early[1], 30, 9.0).stopped


def test_optunas_pruner_decides_as_in_a_study_of_optunas() -> None:
    rule = make_rule(lambda: MedianPruner(n_startup_trials=2, n_warmup_steps=0), 10, 2, 80)
    study = optuna.create_study(pruner=MedianPruner(n_startup_trials=2, n_warmup_steps=0))
    rng = random.Random(0)
    stopped = 0
    for number in range(20):
        trial, base = study.ask(), rng.random()
        for rung in rule.rungs(number):
            score = base + rng.random()
            trial.report(score, rung)
            ours, theirs = rule.look(number, rung, score).stopped, trial.should_prune()
            assert ours == theirs
            if theirs:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                stopped += 1
                break
        else:
            rule.end(number, 80, base)
            study.tell(trial, base)
    assert 0 < stopped < 20


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown early stopping rule 'hyperbnd'.*'hyperband'\?"):
        make_rule("hyperbnd", 10, 2, 40)
    with pytest.raises(ConfigurationError, match="early_stopping returned a int"):
        make_rule(lambda: 3, 10, 2, 40)  # type: ignore[arg-type, return-value]
    assert RULES.names() == ["asha", "hyperband", "median", "none", "patience"]


@settings(max_examples=40)
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
    ours = ASHA(10, reduction_factor, 10 * reduction_factor**3)
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
            stopped = ours.look(number, rung, score).stopped
            theirs = rays.on_trial_result(None, trial, {"iterations": rung, "score": score})
            assert stopped == (theirs == TrialScheduler.STOP)
            if stopped:
                break
