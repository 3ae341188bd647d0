"""Searches of recorded tables: answers that can be worked out, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_cli.common import messages
from dgm_cli.replay import replay as command
from dgm_cli.replay_facts import choice_words
from dgm_cli.replay_tables import overall_table
from dgm_core import ConfigurationError
from studies.replay import Method, ReplayOutcome, TrainingTable, anytime, replay, summarise
from studies.replay.compare import beats, pooled
from studies.replay.recording import METADATA
from studies.samplers import DEFAULT_SAMPLER, SAMPLERS
from studies.stopping import RULES
from studies.study.space import describe


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


def searched(table: TrainingTable, method: Method, seeds: int = 3, **options: Any) -> ReplayOutcome:
    return replay(table, method, seeds=range(seeds), **{"trials": 12, **options})


@pytest.mark.parametrize("sampler", ["tpe", DEFAULT_SAMPLER])
def test_tpe_beats_random_search_where_there_is_something_to_learn(
    table: TrainingTable, sampler: str
) -> None:
    random = replay(table, Method("random"), seeds=range(1000, 1010), trials=60)
    (row,) = summarise(table, [searched(table, Method(sampler), 8, trials=30)], random, [30])
    assert row["beats_random"] > 0.7
    assert row["beats_random_low"] > 0.5
    assert row["regret"] < 3.0
    assert row["random_trials"] > 30


def test_random_search_is_as_good_as_random_search(table: TrainingTable) -> None:
    random = replay(table, Method("random"), seeds=range(1000, 1020), trials=20)
    (row,) = summarise(table, [searched(table, Method("random"), 20)], random, [12])
    assert row["beats_random_low"] < 0.5 < row["beats_random_high"]


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_every_sampler_of_the_platform_searches_and_the_same_seed_is_the_same_search(
    table: TrainingTable, name: str
) -> None:
    method, columns = Method(name, startup_trials=4), list(table.settings)
    if name == "grid":
        table = lattice(["a", "b"])
    elif name == "cma-es":  # takes numbers alone
        columns = ["rate", "depth"]
    if name != "grid":
        table = TrainingTable.of("t", table.settings[columns], table.errors, table.costs)
    one, two = (replay(table, method, seeds=[3], trials=7) for _ in range(2))
    assert np.array_equal(one.best, two.best)
    assert one.best.shape == (1, 7)
    assert (np.diff(one.best) <= 0).all()
    assert (np.diff(one.cost) > 0).all()


def lattice(networks: list[str]) -> TrainingTable:
    """Every combination of a depth and a network, with curves known at 10 and 100 of 1000 iterations."""
    rows = [{"depth": depth, "network": network} for depth in range(1, 9) for network in networks]
    errors = np.array([10.0 ** (abs(row["depth"] - 4) - 4.0) for row in rows])
    curves = {10: 100 * errors, 100: 10 * errors}
    ends = np.full(len(rows), 1000)
    return TrainingTable.of("lattice", pd.DataFrame(rows), errors, 2.0 * ends, ends=ends, curves=curves)


@pytest.mark.parametrize("rule", [name for name in RULES.names() if name != "none"])
def test_early_stopping_spends_less_and_counts_only_what_was_trained_to_its_end(rule: str) -> None:
    table = lattice(["a"])
    method = Method("random", rule, grace_period=10, reduction_factor=10)
    whole = searched(table, Method("random"), trials=30)
    found = searched(table, method, trials=30)
    assert set(np.unique(found.best)) <= {*table.errors, np.inf}
    if rule == "patience":  # these curves fall to their ends
        assert np.array_equal(found.cost, whole.cost)
    else:
        assert (found.cost[:, -1] < whole.cost[:, -1]).all()


def test_a_stop_is_that_of_a_search() -> None:
    """One worker, so that settings come in the order given; the rule is ASHA's, worked out by hand."""
    table = lattice(["a"])
    order = [{"depth": depth, "network": "a"} for depth in (4, 8, 3, 4)]
    method = Method("random", "asha", grace_period=10, reduction_factor=2)
    found = searched(table, method, 1, trials=4, workers=1, start_from=order)
    # Rungs 10, 20, 40, … 640.  The first is never stopped; 8 is above its score at 10; 3 is below the middle
    # of both there and above the first's at 20; 4 is above nothing.
    assert np.diff(found.cost[0], prepend=0).tolist() == [2000.0, 20.0, 40.0, 2000.0]
    assert found.best[0].tolist() == [1e-4] * 4


def test_a_curve_is_read_between_its_points_and_never_beyond_its_end() -> None:
    settings = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    table = TrainingTable.of(
        "t",
        settings,
        np.array([1e-4, 1e-1, np.inf]),
        np.ones(3),
        ends=np.array([1000, 50, 1000]),
        curves={10: np.array([1e-2, 1.0, 1.0]), 100: np.array([1e-3, 7.0, np.inf])},
    )
    assert table.score(0, 10) == 1e-2
    assert table.score(0, 31) == pytest.approx(3.2e-3, rel=0.05)  # half a decade: the logarithms' middle
    assert table.score(0, 1000) == 1e-4
    assert table.score(1, 100) == 1e-1, "it had ended at 50, whatever the column holds"
    assert table.score(2, 50) == np.inf, "diverged at the next point that is known"
    assert table.cost(0, 100) == pytest.approx(0.1)


def test_settings_to_start_from_are_tried_first(table: TrainingTable) -> None:
    best = table.settings.iloc[int(table.errors.argmin())].to_dict()
    found = searched(table, Method("random"), 1, trials=5, workers=1, start_from=[best])
    assert found.best[0, 0] == table.best


def test_results_arrive_in_the_order_of_their_costs() -> None:
    settings = pd.DataFrame({"x": [0.0, 1.0]})
    slow = TrainingTable.of("t", settings, np.array([1.0, 2.0]), np.array([10.0, 1.0]))
    both = [{"x": 0.0}, {"x": 1.0}]
    found = searched(slow, Method("random"), 4, trials=2, workers=2, start_from=both)
    assert found.best[:, 0].tolist() == [2.0] * 4, "the quick one is first, whichever was asked first"
    assert found.cost[:, -1].tolist() == [11.0] * 4


def made(best: list[list[float]], cost: list[list[float]]) -> ReplayOutcome:
    return ReplayOutcome(Method(), np.array(best), np.array(cost))


def test_every_search_is_compared_with_every_random_one_at_its_own_cost() -> None:
    ours = made([[3.0, 1.0], [3.0, 2.0]], [[1.0, 2.0], [1.0, 2.0]])
    random = made([[2.0, 1.5], [2.0, 2.0]], [[2.0, 4.0], [2.0, 4.0]])
    assert beats(ours, random, 1, at_cost=False).point == 0.0
    assert beats(ours, random, 2, at_cost=False).point == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    # Two of ours cost as much as one of the random ones, which had reached 2 by then.
    point, low, high = beats(ours, random, 2)
    assert point == pytest.approx((1 + 1 + 0.5 + 0.5) / 4)
    assert 0.5 <= low <= point <= high <= 1.0


def test_regret_falls_with_cost_and_is_infinite_before_the_first_trial_ends(table: TrainingTable) -> None:
    ours = made([[2 * table.best, table.best]] * 6, [[1.0, 2.0]] * 6)
    points = [estimate.point for estimate in anytime(table, ours, [0.5, 1.0, 2.0])]
    assert points == [np.inf, 2.0, 1.0]


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
            [path],
            error="error",
            cost="seconds",
            samplers="sobol,random",
            trials="4,8",
            seeds=3,
            as_json=True,
        )
        assert done == 0
        told = json.loads(capsys.readouterr().out)
        assert [(row["method"].split(",")[0], row["trials"]) for row in told["rows"]] == [
            ("sobol", 4),
            ("sobol", 8),
            ("random", 4),
            ("random", 8),
        ]
        assert len(told["regret"]["sobol, startup 10"]) == len(told["costs"])
        assert told["trainings"] == 60


def test_several_tables_are_searched_at_once_and_pooled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that names its columns, and one for which the options do; each knows a setting of its own."""
    frame = valley(60)
    rate = describe(FloatDistribution(1e-5, 0.1, log=True))
    about = {"error": "mae", "cost": "seconds", "space": {"rate": rate}}
    own = pa.Table.from_pandas(frame.rename(columns={"error": "mae"}), preserve_index=False)
    pq.write_table(own.replace_schema_metadata({METADATA: json.dumps(about)}), tmp_path / "own.parquet")
    frame.to_csv(tmp_path / "other.csv", index=False)
    paths = [tmp_path / "own.parquet", tmp_path / "other.csv"]
    options: dict[str, Any] = {"error": "error", "cost": "seconds", "settings": "rate,depth,network"}
    sizes: dict[str, Any] = {"samplers": "random,tpe", "startup_trials": "3", "trials": "8", "seeds": 4}
    assert command(paths, **options, **sizes, start_from=["depth=4,network=b"], as_json=True) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert "over all tables" in said.err
    assert [table["table"] for table in told["tables"]] == ["own", "other"]
    for place, row in enumerate(told["overall"]):
        each = [table["rows"][place]["beats_random"] for table in told["tables"]]
        assert row["tables"] == 2
        assert row["beats_random"] == pytest.approx(sum(each) / 2)
        assert row["beats_random_low"] <= row["beats_random"] <= row["beats_random_high"]
    first, second = told["overall"]
    assert (first["ahead"], first["ahead_low"], first["ahead_high"]) == (0, 0, 0)
    assert second["ahead"] == pytest.approx(second["beats_random"] - first["beats_random"])


def test_a_difference_that_is_rounded_away_has_no_sign() -> None:
    share = {"beats_random": 0.5, "beats_random_low": 0.4, "beats_random_high": 0.6}
    rows = [
        {"method": "first", "trials": 24, **share, "ahead": 0.0, "ahead_low": 0.0, "ahead_high": 0.0},
        {"method": "other", "trials": 24, **share, "ahead": -0.002, "ahead_low": -0.05, "ahead_high": 0.004},
    ]
    assert list(overall_table(rows).columns[3].cells) == ["", "0% [-5%, 0%]"]


def test_fresh_seeds_are_other_searches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Seeds 2 and 3 of four are the first two from 2 on; random search stays the same."""
    path = tmp_path / "t.csv"
    valley(60).to_csv(path, index=False)

    def told(**options: int) -> dict[str, Any]:
        command([path], error="error", cost="seconds", samplers="sobol", trials="6", as_json=True, **options)
        return json.loads(capsys.readouterr().out)

    first, fresh = told(seeds=2), told(seeds=2, first_seed=2)
    assert first["regret"]["random, startup 10"] == fresh["regret"]["random, startup 10"]
    assert first["regret"]["sobol, startup 10"] != fresh["regret"]["sobol, startup 10"]


def test_a_mean_over_tables_counts_each_alike() -> None:
    """However many seeds it has; a table on which all seeds agree adds nothing to the width."""
    assert pooled([np.ones((4, 3)), np.zeros((40, 3))]) == pytest.approx((0.5, 0.5, 0.5))
    point, low, high = pooled([np.repeat([[0.0], [1.0]], 8, axis=0), np.ones((4, 3))])
    assert point == 0.75
    assert 0.5 < low < 0.75 < high < 1.0


def test_what_choosing_by_another_column_costs_and_whether_rungs_predict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "width", 120)  # pytest-xdist sets COLUMNS, and rows would be wrapped
    errors = np.arange(1.0, 101.0)
    loss = errors.copy()
    loss[49] = 0.5  # the lowest, of the 50th error
    said = " ".join(choice_words(errors, loss, "loss"))
    assert "Lowest loss: error 50, 50 of 100; the lowest error is 1." in said
    assert "has 1 times the error of the best, by median; more than" in said
    frame = pd.DataFrame({"x": np.arange(100.0), "error": errors, "loss": loss, "steps": 1000})
    frame["error@10"] = np.random.default_rng(0).permutation(errors)
    frame["error@500"] = errors**2
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    assert command([path], error="error", settings="x", iterations="steps", chosen_by="loss", facts=True) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().err.splitlines() if "(100)" in line}
    assert "1.0 (100)" in rows["500"]
    assert "1.0 (100)" not in rows["10"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"error": "eror"}, "Did you mean 'error'"),
        ({"settings": "rate,dept"}, "Did you mean 'depth'"),
        ({"samplers": "tpee"}, "Did you mean 'tpe'"),
        ({"early_stopping": "ahsa"}, "Did you mean 'asha'"),
        ({"early_stopping": "asha"}, "no column like error@1000"),
        ({"samplers": "cma-es"}, "cannot suggest network"),
        ({"start_from": ["rat=0.1"]}, "Did you mean 'rate'"),
        ({"trials": "4,x"}, "write numbers such as"),
        ({"cost": "rate2"}, "unknown column"),
    ],
)
def test_what_is_wrong_is_one_sentence(change: dict[str, str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    valley(20).to_csv(path, index=False)
    with pytest.raises(ConfigurationError, match=said):
        command([path], **{"error": "error", **change})


def test_a_gap_and_a_file_that_is_none_are_named(tmp_path: Path) -> None:
    frame = valley(20)
    frame.loc[3, "network"] = None
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(ConfigurationError, match="no value of network in row 4"):
        TrainingTable.read(path, error="error")
    with pytest.raises(ConfigurationError, match="there is no such file"):
        TrainingTable.read(tmp_path / "absent.csv", error="error")
