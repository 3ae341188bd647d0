"""What a reproduction says of the paper's error, and a status of the best trial."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dgm_cli.common import interval
from dgm_cli.reproduce import verdict
from dgm_cli.verdicts import best_line


def errors(median, low, high, n=5, diverged=0):
    return {"median": median, "low": low, "high": high, "n": n, "diverged": diverged}


@pytest.mark.parametrize(
    ("paper", "mae", "share", "expected"),
    [
        (0.05, errors(0.001, 0.0005, 0.002), 1.0, "reached: 50 times smaller than the paper's"),
        (0.05, errors(2.4e-6, 1e-6, 3e-6), 1.0, "reached: 20,800 times smaller than the paper's"),
        (0.05, errors(0.1, 0.08, 0.2), 1.0, "not reached: 2 times the paper's"),
        (0.05, errors(0.04, 0.03, 0.06), 1.0, "agrees: the paper's error lies within our interval"),
        (
            0.05,
            errors(0.04, 0.03, None, diverged=1),
            1.0,
            "agrees: the paper's error lies within our interval",
        ),
        (0.05, errors(None, 0.03, None, diverged=3), 1.0, "diverged"),
        (
            0.05,
            errors(0.01, None, None, n=1),
            1.0,
            "one seed, no interval: 5 times smaller than the paper's",
        ),
        (0.05, errors(0.2, None, None, n=1), 1.0, "one seed, no interval: 4 times the paper's"),
        (None, errors(0.01, 0.005, 0.02), 1.0, "the paper reports no error"),
        (0.05, errors(0.001, 0.0005, 0.002), 0.02, "shortened to 2% of the iterations: no verdict"),
    ],
)
def test_the_verdict_follows_from_the_interval(paper, mae, share, expected):
    assert verdict(paper, mae, share) == expected


@pytest.mark.parametrize(
    ("mae", "expected"),
    [
        (None, "–"),
        (errors(0.001234, 0.0005, 0.002), "0.0012 [0.0005, 0.002] (n = 5)"),
        (errors(0.001234, None, None, n=1), "0.0012 (n = 1)"),
        (errors(0.001234, 0.0005, None, diverged=1), "0.0012 [0.0005, ∞] (n = 5, 1 diverged)"),
        (errors(None, 0.0005, None, diverged=3), "diverged (3 of 5)"),
    ],
)
def test_an_error_is_printed_with_its_interval_and_count(mae, expected):
    assert interval(mae) == expected


def test_a_status_gives_the_confirmed_error_once_there_is_one():
    """The score that a search selected is no result: it says so, and stands behind the confirmed one."""
    trial = SimpleNamespace(
        trial="008", score=4.7e-3, spread=(4.3e-3, 7.6e-3), spec=SimpleNamespace(seeds=(1, 2, 3))
    )
    history = SimpleNamespace(entries={"008": trial})
    record = SimpleNamespace(kind="search", metric="mae", winner=None)
    overview = SimpleNamespace(record=record, best=trial, history=history)
    assert best_line(overview).endswith("(n = 3), selected as the best: not confirmed on fresh seeds")
    record.winner = SimpleNamespace(trial="008", score=errors(7.3e-3, 4.6e-3, 1.1e-2, n=10))
    said = best_line(overview)
    assert said == (
        "best: trial 008, MAE 0.0073 [0.0046, 0.011] (n = 10) on fresh seeds; selected with 4.7e-03"
    )
    overview.best = None
    assert best_line(overview) == ""
