"""How far a setting can move before the error doubles, on errors whose ranges are known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.appendix import _tables
from analysis.axes import SettingAxis
from analysis.load import Run
from analysis.own_error import own_error
from analysis.report import make_tables
from analysis.tables.flatness import flatness_table, slopes
from analysis.tables.writers import markdown
from studies.records import Outcome
from tests.analysis.synthetic import record, trial_row

SPACE: dict[str, Any] = {
    "learning_rate": {"distribution": "FloatDistribution", "log": True, "low": 1e-4, "high": 1e-1},
    "batch_size": {"distribution": "PowersOfTwo", "log": True, "low": 1, "high": 128},
    "depth": {"distribution": "IntDistribution", "log": False, "low": 1, "high": 6},
    "activation": {"distribution": "CategoricalDistribution", "choices": ["tanh", "sin", "relu"]},
}
DECADES = 0.6
"""From a rate of 0.01 to where the error has doubled."""


def error(config: dict[str, Any]) -> float:
    """Doubles where the rate is 0.6 decades from 0.01, with relu it is ten times; nothing else matters."""
    away = (np.log10(config["learning_rate"]) + 2.0) / DECADES
    return 1e-3 * 2.0**away**2 * (10.0 if config["activation"] == "relu" else 1.0)


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "learning_rate": float(10 ** rng.uniform(-4, -1)),
        "batch_size": 2 ** int(rng.integers(8)),
        "depth": int(rng.integers(1, 7)),
        "activation": ["tanh", "sin", "relu"][int(rng.integers(3))],
    }


def searched(run: Run, n: int, best: dict[str, Any], seed: int = 0) -> Run:
    rng = np.random.default_rng(seed)
    configs = [best, *(drawn(rng) for _ in range(n - 1))]
    rows = [
        trial_row(
            "search", f"{k:03d}", 0, 1, error(config) * float(np.exp(rng.normal(0, 0.05))), config=config
        )
        for k, config in enumerate(configs)
    ]
    trials = pd.DataFrame(rows).reindex(columns=run.trials.columns).astype(run.trials.dtypes)
    for key in SPACE:
        trials[f"config/{key}"] = [config[key] for config in configs]
    known = record(space=SPACE)
    known.winner = Outcome(trial="000", config=best, score={"n": 6}, rel_l2=None)
    return replace(run, study=known, trials=trials)


BEST = {"learning_rate": 0.01, "batch_size": 16, "depth": 3, "activation": "tanh"}


@pytest.mark.parametrize("trials", [24, 60])
def test_the_range_holds_where_the_error_doubles(trials: int) -> None:
    """Both ends of both sides, over some searches."""
    axes = [SettingAxis(key, SPACE[key]) for key in ("learning_rate", "depth")]
    low, high = 10 ** (-2 - DECADES), 10 ** (-2 + DECADES)
    right, shown = [], 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        configs = [BEST, *(drawn(rng) | {"activation": "tanh"} for _ in range(trials - 1))]
        settings = [[config[axis.key] for config in configs] for axis in axes]
        logs = np.log([error(config) for config in configs]) + rng.normal(0, 0.05, trials)
        rate, depth = slopes(axes, settings, logs, 0, rng).to_dict("records")
        shown += (rate["below"], rate["above"]).count("shown")
        most = [np.nan_to_num(rate["lower_low"], nan=0.0), np.nan_to_num(rate["upper_high"], nan=1.0)]
        right += [most[0] <= low <= rate["lower_high"], rate["upper_low"] <= high <= most[1]]
        right += [np.isnan(depth["lower_low"]), np.isnan(depth["upper_high"])]  # it never doubles
    assert sum(right) >= 0.9 * len(right)
    assert shown >= (6 if trials == 24 else 11)


def test_what_the_report_says_of_it(run: Callable[[str], Run]) -> None:
    found = searched(run("search"), 60, BEST)
    tables = make_tables(found)
    table = tables["flatness"].set_index("setting")
    assert table.loc["activation", "doubling"] == "relu"
    assert table.loc["activation", "kept"] == "sin"
    assert table.loc["depth", "below"] == table.loc["depth", "above"] == "flat"
    captions = {caption: shown for caption, shown in _tables(found) if "twice the winner's" in caption}
    (appendix,) = captions.values()
    assert "learning rate" in set(appendix["setting"])
    assert "relu" in markdown(appendix)
    said = next(words for words in own_error(found, tables) if "stays below twice" in words)
    assert "depth (layers) any value of the space" in said
    assert "activation sin, not relu" in said
    assert f"learning rate down to {1e3 * table.loc['learning_rate', 'lower']:.2f} [" in said


def test_few_trials_say_that_they_are_few(run: Callable[[str], Run]) -> None:
    found = searched(run("search"), 60, BEST)
    assert flatness_table(replace(found, trials=found.trials.iloc[:7])).empty
    stopped = found.trials.assign(status="stopped")
    assert flatness_table(replace(found, trials=stopped)).empty
    rough = found.trials.iloc[:9].assign(score=[1.0, 900.0, 30.0, 7e4, 2.0, 5e3, 20.0, 800.0, 1e5])
    few = replace(found, trials=rough)
    said = " ".join(own_error(few, make_tables(few)))
    assert "Too few trials near the winner to say how far" in said


def test_an_axis_is_on_the_scale_of_the_space() -> None:
    rate, batch, depth, activation = (SettingAxis(key, each) for key, each in SPACE.items())
    assert rate.coordinates([1e-4, 1e-1, 1e-2])[:, 0] == pytest.approx([0.0, 1.0, 2 / 3])
    assert batch.steps() == [2**k for k in range(8)]
    assert depth.steps() == [1, 2, 3, 4, 5, 6]
    one, two = activation.coordinates(["tanh", "relu"])
    assert np.linalg.norm(one - two) == pytest.approx(1.0)
    assert (rate.steps()[0], rate.steps()[-1]) == (1e-4, 1e-1)


def test_a_choice_is_what_a_table_makes_of_it(run: Callable[[str], Run]) -> None:
    """Whole numbers beside others, None, truth and collections: none is taken for another, or for none."""
    choices = [1, 2.5, True, None, "1", (1, 2)]
    axis = SettingAxis("choice", {"distribution": "CategoricalDistribution", "choices": choices})
    cells = [1.0, np.float64(2.5), np.True_, np.nan, "1", "[1, 2]"]
    assert axis.places(cells) == axis.places(choices) == list(range(6))
    assert axis.places([3, False, "2"]) == [None] * 3
    assert (axis.coordinates(cells) > 0).tolist() == np.eye(6, dtype=bool).tolist()


def test_a_winner_s_choice_is_none_of_the_others(run: Callable[[str], Run]) -> None:
    found = searched(run("search"), 24, BEST)
    gains, starts = [k % 2 for k in range(24)], [k % 3 == 0 for k in range(24)]
    found.study.space = {
        "gain": {"distribution": "CategoricalDistribution", "choices": [1, 2.5]},
        "initialisation": {"distribution": "CategoricalDistribution", "choices": [None, "glorot"]},
        "batch_norm": {"distribution": "CategoricalDistribution", "choices": [True, False]},
    }
    found.trials["config/batch_norm"] = [k % 5 == 0 for k in range(24)]
    found.trials["config/gain"] = [1.0 + 1.5 * each for each in gains]
    found.trials["config/initialisation"] = [None if each else "glorot" for each in starts]
    factors = [10.0 if gain else 1.0 for gain in gains]
    found.trials["score"] = 1e-3 * np.array(factors) * np.exp(np.random.default_rng(0).normal(0, 0.05, 24))
    table = flatness_table(found)
    gain, start, norm = table.to_dict("records")
    assert (gain["winner"], gain["kept"], gain["doubling"], gain["unknown"]) == (1, "", "2.5", "")
    assert (start["winner"], start["kept"]) == (None, "glorot")
    assert (norm["winner"], norm["kept"]) == (True, "no")
    assert "| batch_norm | yes |" in re.sub(" +", " ", markdown(table)), "the winner's too in words"


def test_values_of_a_space_with_steps_are_on_them() -> None:
    whole = {"distribution": "IntDistribution", "log": False, "step": 20, "low": 10, "high": 50}
    assert SettingAxis("width", whole).steps() == [10, 30, 50]
    share = {"distribution": "FloatDistribution", "log": False, "step": 0.25, "low": 0.0, "high": 1.0}
    assert SettingAxis("dropout", share).steps() == [0.0, 0.25, 0.5, 0.75, 1.0]
    long = SettingAxis("iterations", whole | {"step": 1, "low": 1, "high": 10_001}).steps()
    assert (len(long), long[0], long[-1]) == (41, 1, 10_001)
