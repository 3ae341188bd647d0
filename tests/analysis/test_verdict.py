"""The verdict: its grammar, the runs it is said of, and how often it is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import statistics
from analysis.arms import arm_said
from analysis.budgets import at_equal_budgets, verdicts
from analysis.load import Run, load_run
from analysis.plots import findings
from analysis.statistics import Interval
from analysis.tables import budget_table, compare_table, summary_table
from analysis.tables.cells import rows_of
from analysis.tables.solving import satisfied, solved
from analysis.verdict import against, direction, sentence, verdict, verdict_of_solve
from studies.records.intervals import confirmed
from tests.analysis.logged import Training, log_run
from tests.analysis.synthetic import record

BETWEEN = "no better than a linear interpolation of the conditions"
NONE = Interval(math.nan, math.nan, math.nan)


@pytest.mark.parametrize(
    ("error", "diverged", "reason", "said"),
    [
        (0.0031, 0, "", "solved to 0.31 % of the solution's size"),
        (0.84, 1, "", "not solved: wrong by 84 % of the solution's size"),
        (0.998, 0, "", "no better than zero (relative L² error 1.0)"),
        (1.2, 0, "", "no better than zero (relative L² error 1.2)"),
        (math.nan, 0, "", ""),
        (math.inf, 3, "the term interior was NaN", "diverged (3 of 5: the term interior was NaN)"),
    ],
)
def test_solved_or_not(error: float, diverged: int, reason: str, said: str) -> None:
    assert solved(error, n=5, diverged=diverged, reason=reason) == said


@pytest.mark.parametrize(
    ("residual", "said"),
    [
        (0.0003, "equation and conditions hold to 0.030 % of what a wrong field leaves"),
        (0.075, "equation and conditions hold only to 7.5 % of what a wrong field leaves"),
        (0.42, "not solved: equation and conditions are missed by 42 % of what a wrong field leaves"),
        (math.nan, ""),
    ],
)
def test_without_a_reference_the_residual_says_it(residual: float, said: str) -> None:
    assert satisfied(residual).partition(",")[0] == said


def test_noise_of_measured_data_is_not_held_against_the_equation() -> None:
    """Three trainings that meet the equation, and data with 20 % of noise; one diverged."""
    said = "equation and conditions hold to 0.30 % of what a wrong field leaves, and the measured data, with "
    noisy, data = [math.hypot(0.003, 0.2)] * 3, [0.2] * 3
    assert satisfied([*noisy, math.inf], [*data, math.inf]) == f"{said}their noise, to 20 %"
    rows = [{"residual": r, "residual of data": d} for r, d in zip(noisy, data, strict=True)]
    summary = {"score": confirmed(noisy), "metric": "residual", "residual of data": confirmed(data)}
    assert verdict_of_solve({**summary, "replicates": rows}) == f"{said}their noise, to 20 %"
    assert satisfied([0.5] * 3, data).startswith("not solved: equation and conditions are missed by 46 %")


@pytest.mark.parametrize(
    ("error", "constant", "conditions", "said"),
    [
        (0.02, 0.3, 0.1, "solved only to 2.0 % of the solution's size"),
        (0.2, 0.3, 0.1, f"{BETWEEN} (relative L² error 0.20, against 0.10)"),
        (0.4, 0.3, 0.1, "no better than a constant (relative L² error 0.40, against 0.30)"),
        (0.002, 0.001, 0.1, "no better than a constant (relative L² error 0.0020, against 0.0010)"),
        (1e-5, 1e-17, 0.0, "solved to 0.0010 % of the solution's size"),
    ],
)
def test_what_costs_nothing_is_a_yardstick(error, constant, conditions, said) -> None:
    known = {"zero": 1.0, "constant": constant, "conditions": conditions}
    errors = {name: {"rel_l2": own} for name, own in known.items()}
    assert solved(error, n=5, diverged=0, yardsticks=errors) == said


@pytest.mark.parametrize(
    ("ratio", "p", "pairs", "said"),
    [
        (Interval(0.25, 0.2, 0.5), 0.001, 6, "4.0 times better than the baseline [2.0, 5.0]"),
        (
            Interval(2.6, 2.1, 3.4),
            0.001,
            6,
            "keep the baseline: the search's best is 2.60 times worse [2.10, 3.40]",
        ),
        (
            Interval(0.25, 0.2, 0.5),
            0.0213,
            3,
            "4.0 times better than the baseline [2.0, 5.0] (an interval of 3 seeds covers 75 %; p = 0.02 by "
            "a t-test)",
        ),
        (
            Interval(2.6, 2.1, 3.4),
            0.0012,
            5,
            "keep the baseline: the search's best is 2.60 times worse [2.10, 3.40] (an interval of 5 "
            "seeds covers 94 %; p = 0.001 by a t-test)",
        ),
        (
            Interval(1.0, 1.0, 1.0),
            math.nan,
            6,
            "keep the baseline: the search found nothing better than its settings",
        ),
        (Interval(0.8, 0.5, 1.3), 0.4, 6, "no evidence of a difference from the baseline with 6 seeds"),
        (Interval(0.8, 0.5, 1.3), 0.01, 6, "no evidence of a difference from the baseline with 6 seeds"),
        (
            Interval(0.1, math.nan, math.nan),
            1.0,
            1,
            "no evidence of a difference from the baseline with 1 seed",
        ),
        (NONE, math.nan, 0, "no evidence of a difference from the baseline with 0 seeds"),
    ],
)
def test_against_the_baseline(ratio: Interval, p: float, pairs: int, said: str) -> None:
    assert against(ratio, p, pairs) == said


def test_a_diverged_side_decides_without_a_ratio() -> None:
    ratio = Interval(math.inf, math.inf, math.inf)
    assert against(ratio, 0.0625, 5, lost=True) == "keep the baseline: the search's best diverged"
    assert against(NONE, 0.03125, 6, base_lost=True) == "better than the baseline, which diverged (6 seeds)"
    assert against(NONE, 0.25, 3, base_lost=True) == (
        "the baseline diverged, but 3 seeds cannot show that the search's best is better (p = 0.25 by a "
        "signed-rank test)"
    )
    assert "both diverged" in against(NONE, 1.0, 5, lost=True, base_lost=True)


def _search(folder: Path, winner: list[float | None], base: list[float | None], metric: str = "mae") -> str:
    own = [
        Training(f"confirm-{arm}", each, phase="confirm", arm=arm, metric=metric)
        for arm, each in (("winner", winner), ("baseline", base))
    ]
    run = load_run(log_run(folder, record(metric=metric), [Training("000", (0.2, 0.3), metric=metric), *own]))
    return verdict(run.study, run.trials)


BASE = [0.010, 0.011, 0.009, 0.012, 0.010, 0.008]


def test_seeds_that_solve_nothing_are_counted_beside_a_median_that_does(tmp_path: Path) -> None:
    """Relative L² errors are thrice the scores here; above 0.5 a seed solves nothing."""
    split = _search(tmp_path / "a", [0.001, 0.002, 0.001, 0.3, 0.002, None], BASE)
    assert split.startswith("solved to 0.60 % of the solution's size (2 of 6 seeds not solved); ")
    assert "seeds not solved" not in _search(tmp_path / "b", [0.001] * 6, BASE)
    replicates = [
        {"seed": k, "status": "completed", "rel_l2": error} for k, error in enumerate((0.1, 0.2, 0.9))
    ]
    summary = {"rel_l2": {"median": 0.2, "n": 3, "diverged": 0}, "replicates": replicates}
    said = verdict_of_solve(summary)
    assert said == "solved only to 20 % of the solution's size (1 of 3 seeds not solved)"


def test_one_number_says_how_much_better_wherever_it_is_said(tmp_path: Path) -> None:
    """The median of ratios over shared seeds is 2, the ratio of medians 4."""
    winner = [1e-4, 2e-4, 3e-4, 8e-4, 9e-4, 1e-3]
    base = [8e-4, 9e-4, 1.4e-3, 1.6e-3, 1.7e-3, 1.9e-3]
    said = _search(tmp_path / "run", list(winner), list(base))
    run = load_run(tmp_path / "run")
    factor = said.split(" times better")[0].split()[-1]
    title = findings.confirmed(run)
    assert title is not None
    assert f", {factor} times smaller than the baseline's" in title
    (row,) = rows_of(summary_table(run).query("setting == 'winner'"))
    (compared,) = rows_of(compare_table([run]).query("setting == 'winner'"))
    assert compared["ratio"] == row["ratio"]
    assert float(factor) == pytest.approx(1 / row["ratio"], rel=0.05)
    assert abs(1 / row["ratio"] - np.median(base) / np.median(winner)) > 0.1


def test_a_winner_that_is_worse_says_keep_the_baseline(tmp_path: Path) -> None:
    worse = [2.6 * error * wobble for error, wobble in zip(BASE, (1, 1.1, 0.9, 1, 1.05, 0.95), strict=True)]
    said = _search(tmp_path / "run", list(worse), list(BASE))
    assert said.startswith(
        "solved only to 8.0 % of the solution's size; keep the baseline: the search's best is 2.60"
    )
    assert "distinguishable" not in said


def test_all_diverged_and_no_reference(tmp_path: Path) -> None:
    lost = _search(tmp_path / "lost", [None] * 6, list(BASE))
    assert lost.startswith("diverged (6 of 6")
    assert "keep the baseline: the search's best diverged" in lost
    good = [error / (3 + k % 2) for k, error in enumerate(BASE)]
    better = _search(tmp_path / "residual", list(good), list(BASE), metric="residual")
    assert " times better than the baseline [3.0" in better
    assert "solved" not in better


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ((0.5, 0.61, 0.4, 0.6, 0.52), "no arm differs significantly from the baseline (1)"),
        ((0.05, 0.06, 0.045, 0.06, 0.05), "better than the baseline (1): 2"),
        ((5.0, 6.0, 4.5, 6.0, 5.0), "no arm is significantly better than the baseline (1); worse: 2"),
    ],
)
def test_an_ablation_names_the_direction_or_says_that_no_arm_differs(
    tmp_path: Path, scores: tuple[float, ...], said: str
) -> None:
    arms = {"1": {"depth": 1}, "2": {"depth": 2}}
    study = record(kind="ablation", arms=arms, baseline="1", seeds={"ablation": [1] * 5})
    errors = {"1": (0.5, 0.6, 0.4, 0.6, 0.5), "2": scores}
    own = [Training(arm, each, phase="ablation", arm=arm, config=arms[arm]) for arm, each in errors.items()]
    run = load_run(log_run(tmp_path / "run", study, own))
    assert said in verdict(run.study, run.trials)


def test_arms_that_cost_the_same_are_compared_once_and_one_that_diverged_is_told(tmp_path: Path) -> None:
    arms = {"tanh, 1": {"depth": 1}, "relu, 1": {"depth": 2}, "sin": {"depth": 3}}
    study = record(kind="ablation", arms=arms, baseline="tanh, 1", seeds={"ablation": [1] * 5})
    errors = {"tanh, 1": (0.5, 0.6, 0.4, 0.6, 0.5), "relu, 1": (5.0, 6.0, 4.5, 6.0, 5.0), "sin": (None,) * 5}
    own = [
        Training(f"t{place}", each, phase="ablation", arm=arm, config=arms[arm])
        for place, (arm, each) in enumerate(errors.items())
    ]
    run = load_run(log_run(tmp_path / "run", study, own))
    (only,) = at_equal_budgets(run)
    assert only == (
        "At equal iterations (60), training points (3,840) and time (1.0 s): "
        'no arm is significantly better than the baseline (tanh, 1); worse: "relu, 1"; diverged: sin.'
    )


def test_a_solve_is_said_from_its_summary() -> None:
    summary = {"score": confirmed([1e-3, 2e-3]), "rel_l2": confirmed([0.004, 0.006])}
    lost = {
        "score": confirmed([None, None]),
        "diverged_by": ["the term interior was NaN"],
    }
    assert verdict_of_solve(lost) == "diverged (2 of 2: the term interior was NaN)"
    assert sentence(verdict_of_solve(summary)) == "Solved to 0.50 % of the solution's size."
    assert verdict_of_solve({"score": confirmed([1e-3, 2e-3])}) == ""
    assert verdict_of_solve({"score": confirmed([None, None])}) == "diverged (2 of 2)"
    unknown = {"score": confirmed([0.05, 0.07]), "metric": "residual"}
    assert (
        verdict_of_solve(unknown) == "equation and conditions hold only to 6.0 % of what a wrong field leaves"
    )
    assert verdict_of_solve({**unknown, "score": confirmed([None, None])}) == "diverged (2 of 2)"


@pytest.mark.parametrize("true", [1.0, 2.0])
def test_a_claim_is_wrong_no_more_often_than_its_level(true: float) -> None:
    """Lognormal errors of six shared seeds: at most 5 % wrong claims of 1000, but for chance."""
    rng = np.random.default_rng(5)
    claims = []
    for _ in range(1000):
        logs = rng.normal(0.0, 0.2, (2, 6))
        found = statistics.paired_difference(true * np.exp(logs[0]), np.exp(logs[1]), rng=rng)
        claims.append(direction(found.ratio, found.p))
    wrong = len([claim for claim in claims if claim and (true == 1.0 or claim == "better")])
    assert wrong <= 50 + 2 * math.sqrt(1000 * 0.05 * 0.95)
    if true == 2.0:
        assert claims.count("worse") > 700


def test_an_arm_is_said_with_what_it_is_a_value_of() -> None:
    def said(arm: str, **changes: Any) -> str:
        return arm_said(record(kind="ablation", **changes), arm)

    assert said("64", factors={"batch_size": [1, 64]}) == "batch size 64"
    assert said("6, 32", factors={"depth": [1, 6], "width": [8, 32]}) == "6, 32 (depth, width)"
    assert said("left", arms={"left": {"depth": 1, "gain": 2.0}, "right": {}}) == "left"


def test_a_title_claims_no_more_than_the_verdict(run: Callable[[str], Run]) -> None:
    """The arm of the lowest error is named, and with a ratio only where it is shown to be better."""
    found = run("batch-size")
    better = re.search(r"better than the baseline \(64\): ([\d, ]+);", verdict(found.study, found.trials))
    assert better is not None
    title = findings.best_arm(found)
    named = re.match(r"batch size (\d+) has the lowest median MAE", title)
    assert named is not None
    assert named[1] in better[1].split(", ")
    assert "times smaller than the baseline's (64)" in title
    few = found.trials[found.trials["replicate"] < 3]
    assert findings.best_arm(Run(found.folder, found.study, few)).endswith(
        "not shown to be smaller than the baseline's (64)"
    )


def test_arms_are_compared_at_equal_steps_points_and_seconds(run: Callable[[str], Run]) -> None:
    """A larger batch is better at its end, and worse when each arm has seen as many points."""
    found = run("batch-size")
    first, *others = verdicts(found)
    assert first == sentence(verdict(found.study, found.trials))
    steps, points, seconds = others
    assert steps.startswith(
        "At equal iterations (3,000): better than the baseline (64): 512, 1024; worse: 2,"
    )
    assert points.startswith(
        "At equal training points (3,000): better than the baseline (64): 2, 4, 8, 16, 32; worse"
    )
    assert seconds.startswith(
        "At equal time (3.0 s): no arm is significantly better than the baseline (64); worse"
    )
    assert "worse: 2, 4, 8, 16." in seconds
    assert at_equal_budgets(run("search")) == []


def test_time_is_that_of_the_processor_where_every_arm_has_it(run: Callable[[str], Run]) -> None:
    """Small batches shared their cores with other work: the clock counts that, the processor does not."""
    found = run("batch-size")
    small = found.trials["config/batch_size"] < 64
    trials = found.trials.assign(
        seconds=found.trials["seconds"].where(~small, 4 * found.trials["seconds"]),
        processor_share=np.where(small, 0.25, 1.0),
    )
    *_, fair = at_equal_budgets(Run(found.folder, found.study, trials))
    *_, quiet = at_equal_budgets(found)
    assert fair == quiet.replace("At equal time", "At equal processor time")
    assert "processor_seconds" in set(budget_table(Run(found.folder, found.study, trials))["budget"])
    for without in (
        trials.assign(processor_share=trials["processor_share"].where(trials["replicate"] > 0)),
        trials.assign(processor_share=np.nan),
    ):
        assert at_equal_budgets(Run(found.folder, found.study, without))[-1].startswith("At equal time")
    study = found.study.model_copy(update={"device": "cuda"})
    assert at_equal_budgets(Run(found.folder, study, trials))[-1].startswith("At equal time")
