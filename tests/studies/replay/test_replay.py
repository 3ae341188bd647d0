"""Searches of recorded tables: answers that can be worked out, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_cli.replay import replay as command
from dgm_core import ConfigurationError
from studies.replay import Outcome, TrainingTable, replay, summarise
from studies.replay.samplers import SAMPLERS
from studies.replay.simulate import wins, wins_at_cost


def valley(n: int = 400) -> pd.DataFrame:
    """Errors least at rate 1e-2 and depth 4 of network b; a seed or a constant error would find nothing."""
    rng = np.random.default_rng(0)
    rate, depth = 10.0 ** rng.uniform(-5, -1, n), rng.integers(1, 9, n)
    network = rng.choice(["a", "b"], n)
    error = 10.0 ** (np.abs(np.log10(rate) + 2.0) + 0.3 * np.abs(depth - 4) + (network == "a") - 4.0)
    return pd.DataFrame(
        {"rate": rate, "depth": depth, "network": network, "error": error, "seconds": 1.0 + depth}
    )


@pytest.fixture
def table() -> TrainingTable:
    frame = valley()
    return TrainingTable.of(
        "valley", frame[["rate", "depth", "network"]], frame["error"].to_numpy(), frame["seconds"].to_numpy()
    )


def test_the_space_is_that_of_the_columns(table: TrainingTable) -> None:
    rate, depth, network = table.space.values()
    assert isinstance(rate, FloatDistribution)
    assert rate.log
    assert depth == IntDistribution(1, 8)
    assert network == CategoricalDistribution(["a", "b"])


def test_a_recorded_setting_is_answered_by_its_own_training(table: TrainingTable) -> None:
    for row in (0, 17, 399):
        assert table.nearest(table.settings.iloc[row].to_dict()) == row


def test_nearness_counts_logarithms_and_choices() -> None:
    settings = pd.DataFrame({"rate": [1e-5, 1e-3, 1e-1, 1e-3], "network": ["a", "a", "a", "b"]})
    found = TrainingTable.of("t", settings, np.ones(4), np.ones(4))
    assert found.nearest({"rate": 3e-4, "network": "a"}) == 1  # 1e-5 is nearer on a linear scale
    assert found.nearest({"rate": 1e-3, "network": "b"}) == 3


def test_tpe_beats_random_search_where_there_is_something_to_learn(table: TrainingTable) -> None:
    found = [replay(table, name, SAMPLERS[name], seeds=range(12), trials=40) for name in ("random", "tpe")]
    row = summarise(table, found, [40])[1]
    assert row["beats_random"] > 0.7
    assert row["regret"] < 3.0
    assert row["random_trials"] > 40


def test_all_samplers_search_and_the_same_seed_is_the_same_search(table: TrainingTable) -> None:
    for name, make in SAMPLERS.items():
        one, two = (replay(table, name, make, seeds=[3], trials=12) for _ in range(2))
        assert np.array_equal(one.best, two.best)
        assert one.best.shape == (1, 12)
        assert (np.diff(one.best) <= 0).all()
        assert (np.diff(one.cost) > 0).all()


def test_settings_to_start_from_are_tried_first(table: TrainingTable) -> None:
    best = table.settings.iloc[int(table.errors.argmin())].to_dict()
    found = replay(table, "random", SAMPLERS["random"], seeds=[0], trials=5, workers=1, start_from=[best])
    assert found.best[0, 0] == table.best


def test_results_arrive_in_the_order_of_their_costs() -> None:
    settings = pd.DataFrame({"x": [0.0, 1.0]})
    slow = TrainingTable.of("t", settings, np.array([1.0, 2.0]), np.array([10.0, 1.0]))
    both = [{"x": 0.0}, {"x": 1.0}]
    found = replay(slow, "random", SAMPLERS["random"], seeds=range(4), trials=2, workers=2, start_from=both)
    assert found.best[:, 0].tolist() == [2.0] * 4, "the quick one is first, whichever was asked first"
    assert found.cost[:, -1].tolist() == [11.0] * 4


def test_wins_are_counted_by_seed_and_at_equal_cost() -> None:
    ours = Outcome("a", np.array([[3.0, 1.0], [3.0, 2.0]]), np.array([[1.0, 2.0], [1.0, 2.0]]))
    random = Outcome("random", np.array([[2.0, 1.5], [2.0, 2.0]]), np.array([[2.0, 4.0], [2.0, 4.0]]))
    assert wins(ours, random, 1) == (0.0, 2)
    assert wins(ours, random, 2) == (0.75, 2)
    assert wins_at_cost(ours, random, 2) == (0.75, 2)  # one of the other's trials costs as much as two
    assert wins_at_cost(ours, random, 1) == (1.0, 2)  # which had ended none by then


def test_how_many_random_trials_reach_an_error() -> None:
    found = TrainingTable.of("t", pd.DataFrame({"x": np.arange(100.0)}), np.arange(1.0, 101.0), np.ones(100))
    assert found.trials_of_random(1.0) == pytest.approx(np.log(0.5) / np.log(0.99))
    assert found.trials_of_random(50.0) == 1.0
    assert found.trials_of_random(0.5) == np.inf


def test_a_table_in_a_file_is_searched_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = valley(60)
    frame.loc[5, "error"] = np.nan  # diverged
    for path, write in ((tmp_path / "t.csv", frame.to_csv), (tmp_path / "t.parquet", frame.to_parquet)):
        write(path, index=False)
        done = command(
            path, error="error", cost="seconds", samplers="qmc", trials="4,8", seeds=3, as_json=True
        )
        assert done == 0
        told = json.loads(capsys.readouterr().out)
        assert [(row["sampler"], row["trials"]) for row in told["rows"]] == [
            ("random", 4),
            ("random", 8),
            ("qmc", 4),
            ("qmc", 8),
        ]
        assert told["trainings"] == 60


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"error": "eror"}, "Did you mean 'error'"),
        ({"settings": "rate,dept"}, "Did you mean 'depth'"),
        ({"samplers": "tpee"}, "Did you mean 'tpe'"),
        ({"trials": "4,x"}, "write numbers such as"),
        ({"cost": "rate2"}, "unknown column"),
    ],
)
def test_what_is_wrong_is_one_sentence(change: dict[str, str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    valley(20).to_csv(path, index=False)
    with pytest.raises(ConfigurationError, match=said):
        command(path, **{"error": "error", **change})


def test_a_gap_and_a_file_that_is_none_are_named(tmp_path: Path) -> None:
    frame = valley(20)
    frame.loc[3, "network"] = None
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(ConfigurationError, match="no value of network in row 4"):
        TrainingTable.read(path, error="error")
    with pytest.raises(ConfigurationError, match="there is no such file"):
        TrainingTable.read(tmp_path / "absent.csv", error="error")
