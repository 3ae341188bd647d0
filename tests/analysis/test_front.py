"""The front of a search with two objectives, on trials whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from analysis.answer import answer
from analysis.load import Run
from analysis.plots import figures
from analysis.report import make_tables
from studies.records.schema import OBJECTIVE
from tests.analysis.test_after import confirmed_seeds, rows, with_rows


@pytest.fixture
def priced(run: Callable[[str], Run]) -> Run:
    """The winner costs 9 s; of the front, 20 times worse costs 2 s, and two more are at 4 and 5 s."""
    search = run("search")
    assert search.study.winner is not None
    first, winner = confirmed_seeds(search), "t05"
    costs = {"t01": 2.0, "t02": 4.0, "t03": 5.0, winner: 9.0}
    trials = search.trials.assign(**{OBJECTIVE + "seconds": search.trials["trial"].map(costs).fillna(20.0)})
    confirmed = search.study.winner.model_copy(update={"trial": winner})
    study = search.study.model_copy(update={"objectives": ["error", "seconds"], "winner": confirmed})
    made = [
        *rows("front", "t01", [2e-3, 2.2e-3, 1.9e-3, 2.1e-3, 2e-3], first),
        *rows("front", "t02", [4e-4, 4.2e-4, 3.9e-4, 4.1e-4, 4e-4], first),
        *rows("front", "t03", [9e-4, 9.2e-4, 8.9e-4, 9.1e-4, 9e-4], first),
    ]
    return with_rows(replace(search, trials=trials, study=study), made)


def test_the_front_is_confirmed_and_says_who_is_beaten(priced: Run) -> None:
    table = make_tables(priced)["front"].set_index("trial")
    assert table["seconds"].tolist() == [2.0, 4.0, 5.0, 9.0]
    assert table.loc["t02", "score"] == pytest.approx(4e-4)
    assert table.loc["t02", "score_low"] < 4e-4 < table.loc["t02", "score_high"]
    assert table["beaten"].tolist() == [False, False, True, False]
    assert table["seconds_measured"].notna().all()


def test_each_budget_buys_the_best_that_keeps_to_it(priced: Run) -> None:
    table = make_tables(priced)["best-by-budget"]
    assert table["budget"].tolist() == [2.0, 3.0, 5.0, 7.0, 10.0]
    assert table["trial"].tolist()[:4] == ["t01", "t01", "t02", "t02"]
    assert priced.study.winner is not None
    assert table["trial"].iloc[-1] == priced.study.winner.trial
    said = " ".join(answer(priced, make_tables(priced)).sentences)
    assert "The best for each budget: up to 2 seconds, " in said


def test_one_objective_has_no_front(run: Callable[[str], Run]) -> None:
    tables = make_tables(run("search"))
    assert tables["front"].empty
    assert tables["best-by-budget"].empty
    assert "front" not in figures(run("search"))


def test_the_figure_says_what_the_front_gains(priced: Run) -> None:
    told = " ".join(text.get_text() for text in figures(priced)["front"].texts).replace("\n", " ")
    assert "From 2.0 to 9.0 seconds the error falls from 0.0020 to 1.1×10⁻⁴" in told
