"""Which settings matter: known truths, the published evaluator, and how often chance passes for more."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution

from analysis.load import Run
from analysis.own_error import own_error
from analysis.report import make_tables
from analysis.tables.importance import BEST, _table, best_of, divergence, set_apart
from tests.analysis.synthetic import record, trial_row

SPACE: dict[str, Any] = {
    "learning_rate": {"distribution": "FloatDistribution", "log": True, "low": 1e-4, "high": 1e-1},
    "depth": {"distribution": "IntDistribution", "log": False, "low": 1, "high": 6},
    "activation": {"distribution": "CategoricalDistribution", "choices": ["tanh", "sin"]},
}


def searched(run: Run, score: Callable[[dict[str, Any]], float], n: int = 40, seed: int = 0) -> Run:
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        config = {
            "learning_rate": float(10 ** rng.uniform(-4, -1)),
            "depth": int(rng.integers(1, 7)),
            "activation": ["tanh", "sin"][int(rng.integers(2))],
            "iterations": 1000,
        }
        error = score(config) * float(np.exp(rng.normal(0, 0.1)))
        rows.append(trial_row("search", f"{k:03d}", 0, 1, error, config=config))
    trials = pd.DataFrame(rows).reindex(columns=run.trials.columns).astype(run.trials.dtypes)
    return replace(run, study=record(space=SPACE), trials=trials)


def told(table: pd.DataFrame) -> set[str]:
    return set(table.loc[table["p_holm"] < 0.05, "setting"])


def rate(config: dict[str, Any]) -> float:
    """The learning rate decides, best at 0.01."""
    return 1e-3 + abs(float(np.log10(config["learning_rate"])) + 2.0)


def test_the_setting_that_decides_is_the_important_one(run: Callable[[str], Run]) -> None:
    tables = [set_apart(searched(run("search"), rate, seed=seed)) for seed in range(4)]
    assert all(table["setting"].iloc[0] == "learning_rate" for table in tables)
    assert all("learning_rate" in told(table) for table in tables)
    assert sum(len(told(table)) > 1 for table in tables) <= 1
    assert tables[0]["importance"].sum() == pytest.approx(1.0)


def test_a_choice_that_decides_is_found(run: Callable[[str], Run]) -> None:
    found = searched(run("search"), lambda config: 1.0 if config["activation"] == "sin" else 0.01)
    table = set_apart(found)
    assert table["setting"].iloc[0] == "activation"
    assert "activation" in told(table)


def test_it_is_optuna_s_but_for_the_kernel() -> None:
    """The same trials, by Optuna's evaluator: what is twice as important there is here, too."""
    rng, space = np.random.default_rng(1), {k: FloatDistribution(0.0, 1.0) for k in "abc"}
    values = rng.uniform(size=(80, 3))
    order = np.argsort(np.abs(values[:, 0] - 0.3) + 0.4 * np.abs(values[:, 1] - 0.7))
    values = values[order]
    trials = [
        optuna.trial.create_trial(params=dict(zip("abc", row, strict=True)), distributions=space, value=k)
        for k, row in enumerate(values.tolist())
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study()
        study.add_trials(trials)
        theirs = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST).evaluate(study)
    once = np.ones((1, 80))
    ours = [divergence(values[:, k], 0, once, best_of(once))[0] for k in range(3)]
    assert np.argsort(ours).tolist() == np.argsort([theirs[key] for key in "abc"]).tolist()
    share = np.array([theirs[key] for key in "abc"]) / sum(theirs.values())
    assert np.array(ours) / sum(ours) == pytest.approx(share, abs=0.15)


def test_chance_is_seldom_taken_for_an_effect(run: Callable[[str], Run]) -> None:
    """Scores that no setting has a part in: at most 5 % of searches say so."""
    base = run("search")
    wrong = [bool(told(set_apart(searched(base, lambda config: 1.0, n=16, seed=seed)))) for seed in range(20)]
    assert sum(wrong) <= 3, "5 % of 20; more than 3 of them have less than one chance in 50"


def test_stopped_trials_count_behind_the_completed_and_few_trials_say_nothing(
    run: Callable[[str], Run],
) -> None:
    found = searched(run("search"), rate)
    good = found.trials["score"] < found.trials["score"].quantile(0.5)
    trials = found.trials.assign(
        status=np.where(good, "completed", "stopped"), iterations=np.where(good, 1000, 100)
    )
    trials.loc[~good, "score"] = 1e-9  # of a rung: it is not compared with an end
    stopped = set_apart(replace(found, trials=trials))
    assert stopped.equals(set_apart(found)) or stopped["setting"].iloc[0] == "learning_rate"
    assert set_apart(replace(found, trials=found.trials.iloc[:9])).empty
    said = " ".join(own_error(found, make_tables(found)))
    assert "learning rate" in said
    assert "not beyond chance: " in said


def test_nothing_is_set_apart_where_no_trial_is_better_than_another(run: Callable[[str], Run]) -> None:
    found = searched(run("search"), rate)
    assert len(set_apart(found))
    assert set_apart(replace(found, trials=found.trials.assign(score=0.1, mae=0.1))).empty
    lost = found.trials["trial"] > "004"  # more than three quarters
    few = found.trials.assign(status=np.where(lost, "diverged", "completed"))
    assert set_apart(replace(found, trials=few)).empty


def test_resamples_in_which_nothing_differs_leave_the_interval() -> None:
    resampled = np.array([[3.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    table = _table(["depth", "width"], np.array([3.0, 1.0]), resampled, resampled)
    assert table["importance_low"].tolist() == pytest.approx([0.50625, 0.25625])
