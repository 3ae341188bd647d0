"""What each setting explains alone, on functions whose shares are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from analysis.axes import SettingAxis
from analysis.load import Run
from analysis.own_error import own_error
from analysis.report import make_tables
from analysis.scores import trial_scores
from analysis.surrogate import Surrogate
from analysis.tables.importance import importance_table
from analysis.tables.variance import axis_shares, ended, variance_shares
from tests.analysis.test_importance import rate, searched

AXES = [
    SettingAxis(key, {"distribution": "FloatDistribution", "log": False, "low": 0.0, "high": 1.0})
    for key in "abc"
]


@pytest.mark.parametrize(
    ("error", "true"),
    [
        (lambda x: 2 * x[:, 0] + x[:, 1], [0.8, 0.2, 0.0]),
        (lambda x: 4 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5), [0.0, 0.0, 0.0]),
    ],
    ids=["sum", "interaction"],
)
def test_the_interval_holds_the_share(error: Callable[[np.ndarray], np.ndarray], true: list[float]) -> None:
    """a and b explain 4 / 5 and 1 / 5 of their sum, and nothing alone of their product.

    The design is off by 0.01.
    """
    right = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        points = rng.uniform(size=(40, 3))
        surrogate = Surrogate(points, error(points) + rng.normal(0, 0.03, 40), rng, draws=40)
        shares = axis_shares(AXES, surrogate, rng)
        right += [
            share.low - 0.01 <= known <= share.high + 0.01 for share, known in zip(shares, true, strict=True)
        ]
        assert all(share.high - share.low < 0.4 for share in shares)
    assert sum(right) >= 8


def test_it_stands_in_the_report_beside_the_other(run: Callable[[str], Run]) -> None:
    found = searched(run("search"), rate)
    tables = make_tables(found)
    table = tables["importance"].set_index("setting")
    assert table.loc["learning_rate", "variance"] > 0.8
    assert table.loc["depth", "variance_high"] < 0.2
    said = next(words for words in own_error(found, tables) if "(fANOVA)" in words)
    assert said.index("learning rate") < said.index("depth")
    few = found.trials.assign(status=["completed"] * 7 + ["stopped"] * 33)
    assert importance_table(replace(found, trials=few))["variance"].isna().all()


def test_a_stopped_trial_counts_with_what_it_would_have_gained(run: Callable[[str], Run]) -> None:
    """Between the rung and the end those that completed gained a factor of ten in the median."""
    found = searched(run("search"), rate, n=12)
    trials = trial_scores(found.trials)
    status = ["completed"] * 9 + ["stopped"] * 2 + ["diverged"]
    trials = trials.assign(status=status, iterations=[1000] * 9 + [100, 50, 100])
    known = list(trials["score"])
    looks = [{"trial": trials["trial"].iloc[k], "rung": 100, "score": known[k] * 10} for k in range(10)]
    logs = ended(cast(Run, SimpleNamespace(decisions=pd.DataFrame(looks))), trials)
    assert logs[:9] == pytest.approx(np.log(known[:9]))
    assert logs[9] == pytest.approx(np.log(known[9] / 10))
    assert np.isnan(logs[10]), "no trial that completed was seen at its rung"
    assert logs[11] == np.nanmax(logs[:11])


def test_an_error_of_zero_says_nothing_of_what_a_stopped_trial_would_have_gained() -> None:
    trials = pd.DataFrame(
        [
            {"trial": "a", "status": "completed", "iterations": 9, "score": 0.0},
            {"trial": "b", "status": "completed", "iterations": 9, "score": 0.5},
            {"trial": "c", "status": "stopped", "iterations": 3, "score": 4.0},
        ]
    )
    looks = pd.DataFrame({"trial": ["a", "b", "c"], "rung": 3, "score": [1.0, 1.0, 4.0]})
    logs = ended(cast(Run, SimpleNamespace(decisions=looks)), trials)
    np.testing.assert_allclose(logs, [np.nan, np.log(0.5), np.log(2.0)])


def test_errors_of_zero_have_no_variance_to_share(run: Callable[[str], Run]) -> None:
    found = searched(run("search"), rate)
    assert variance_shares(found, trial_scores(found.trials.assign(score=0.0)), ["depth"], rng()) == {}


def test_no_share_is_above_one() -> None:
    points = np.repeat([[0.0], [0.5], [1.0]], 5, axis=0)
    (axis,) = [SettingAxis("a", {"distribution": "IntDistribution", "log": False, "low": 0, "high": 2})]
    (share,) = axis_shares([axis], Surrogate(points, points[:, 0], rng(), draws=10), rng())
    assert share.high <= 1.0


def rng() -> np.random.Generator:
    return np.random.default_rng(0)
