"""What a search says of its own error, on trials whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.load import Run
from analysis.own_error import own_error
from analysis.report import make_tables
from analysis.statistics import rate
from analysis.tables.after import lost_by_stops
from tests.analysis.synthetic import trial_row


def with_rows(run: Run, rows: list[dict[str, Any]]) -> Run:
    more = pd.DataFrame(rows).reindex(columns=run.trials.columns).astype(run.trials.dtypes)
    return replace(run, trials=pd.concat([run.trials, more], ignore_index=True))


def rows(phase: str, arm: str, scores: list[float], first: int = 1, **config: Any) -> list[dict[str, Any]]:
    return [
        {**trial_row(phase, f"{phase}-{arm}", k, first + k, score, config={"iterations": 3000, **config})}
        | {"arm": arm}
        for k, score in enumerate(scores)
    ]


@pytest.fixture
def search(run: Callable[[str], Run]) -> Run:
    return run("search")


def confirmed_seeds(run: Run) -> int:
    return int(run.trials.loc[run.trials["arm"] == "winner", "seed"].min())


def test_how_likely_the_winner_is_the_best_of_those_confirmed(search: Run) -> None:
    first = confirmed_seeds(search)  # the winner: 1.0, 1.2, 0.9, 1.4, 1.1 e-4
    twin = rows("rivals", "t01", [1.1e-4, 1.0e-4, 1.0e-4, 1.3e-4, 1.2e-4], first)
    worse = rows("rivals", "t02", [8e-4, 9e-4, 7e-4, 9e-4, 8e-4], first)
    run = with_rows(search, [*twin, *worse])
    table = make_tables(run)["rivals"].set_index("trial")
    assert table.loc["t02", "best_of_these"] == 0.0
    assert table["best_of_these"].sum() == pytest.approx(1.0)
    assert table.loc["t02", "p_holm"] < 0.05
    assert table.loc["t02", "to_winner"] == pytest.approx(7.0, rel=0.15)
    said = " ".join(own_error(run, make_tables(run)))
    assert "Of the best 3 trials" in said
    assert "Not to be told from it with so many seeds: t01." in said


def test_one_seed_does_not_say_how_likely_the_winner_is_the_best(search: Run) -> None:
    first = confirmed_seeds(search)
    run = with_rows(search, rows("rivals", "t01", [1.1e-4], first))
    one = run.trials[(run.trials["phase"] != "confirm") | (run.trials["seed"] == first)]
    run = replace(run, trials=one.reset_index(drop=True))
    said = " ".join(own_error(run, make_tables(run)))
    assert "1 seed cannot say how likely the winner is the best" in said
    assert "nan" not in said


def test_stops_that_lost_a_good_trial_are_counted(search: Run) -> None:
    stopped = sorted(search.trials.loc[search.trials["status"] == "stopped", "trial"].unique())
    good, bad = rows("audit", stopped[0], [1e-9] * 3), rows("audit", stopped[1], [0.5] * 3)
    run = with_rows(search, [*good, *bad])
    assert lost_by_stops(run) == (1, 2, rate(1, 2))
    table = make_tables(run)["audit"].set_index("trial")
    assert table["place"].tolist()[0] == 1
    assert table.loc[stopped[0], "stopped_at"] == 500
    said = " ".join(own_error(run, make_tables(run)))
    assert "2 stopped trials, drawn at random, were trained to the end: 1 would have been" in said
    assert "50 % of the time [9 to 91 %]" in said


def test_the_rung_that_stops_most_is_named_with_its_evidence(search: Run) -> None:
    tables = make_tables(search)
    busiest = tables["early-stopping"].sort_values("stopped").iloc[-1]
    said, *_ = own_error(search, tables)
    total = int(tables["early-stopping"]["stopped"].sum())
    assert f"{busiest['stopped']} of {total} early stops were made at the rung of 500 iterations" in said
    assert f"Among the {busiest['survivors']} trials that completed" in said


def test_each_step_from_the_baseline_is_compared_with_the_one_before(search: Run) -> None:
    first = confirmed_seeds(search)  # the baseline: 8, 9, 7, 12, 10 e-4
    halved = rows("path", "batch_size", [4e-4, 4.6e-4, 3.4e-4, 6.1e-4, 5e-4], first)
    run = with_rows(search, halved)
    table = make_tables(run)["path"]
    assert table["setting"].tolist()[:2] == ["(baseline)", "batch_size"]
    assert table["step"].tolist()[1] == pytest.approx(0.5, rel=0.05)
    said = " ".join(own_error(run, make_tables(run)))
    assert "one setting at a time, the error changes by" in said
    assert "batch size × 0.5" in said
    table = make_tables(
        with_rows(search, [{**row, "arm": "optimizer, learning_rate, beta1"} for row in halved])
    )
    said = " ".join(own_error(run, table))
    assert "optimizer with learning rate and beta1 × 0.5" in said


def test_revived_trials_are_told_of_and_are_no_sample_of_the_stops(search: Run) -> None:
    stopped = sorted(search.trials.loc[search.trials["status"] == "stopped", "trial"].unique())
    run = with_rows(
        search, [*rows("revived", stopped[0], [1e-9] * 3), *rows("revived", stopped[1], [np.nan] * 3)]
    )
    run.trials.loc[run.trials["arm"] == stopped[1], "status"] = "diverged"
    assert lost_by_stops(run)[1] == 0
    tables = make_tables(run)
    assert tables["audit"].empty
    assert tables["revived"]["place"].tolist()[0] == 1
    first, second = (said for said in own_error(run, tables) if "revived" in said)
    assert f"Trial {stopped[0]}, stopped at 500 of" in first
    assert first.endswith("it would have been the best of the completed trials.")
    assert second.endswith("and revived, diverged.")


def test_a_stopped_trial_that_diverges_at_its_end_is_no_loss(search: Run) -> None:
    (stopped, *_) = sorted(search.trials.loc[search.trials["status"] == "stopped", "trial"].unique())
    run = with_rows(search, rows("audit", stopped, [np.nan] * 3))
    run.trials.loc[run.trials["phase"] == "audit", "status"] = "diverged"
    completed = run.trials["trial"].isin(["t00", "t01"]) | (run.trials["status"] != "completed")
    run = replace(run, trials=run.trials[completed].reset_index(drop=True))  # fewer than three
    assert lost_by_stops(run) == (0, 1, rate(0, 1))


def test_a_rival_of_which_test_and_interval_disagree_cannot_be_told_from_the_winner(search: Run) -> None:
    tables = make_tables(with_rows(search, rows("rivals", "t01", [1.1e-4] * 5, confirmed_seeds(search))))
    ends = {"to_winner": 1.2, "to_winner_low": 0.99, "to_winner_high": 1.4, "p_holm": 0.04}
    rivals = tables["rivals"]
    rivals.loc[rivals["trial"] == "t01", list(ends)] = list(ends.values())
    assert "Not to be told from it with so many seeds: t01." in " ".join(own_error(search, tables))
