"""Each error stands under its own name, and what ranks under `score` with its metric beside it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis import answer, doubts, tables
from analysis.load import Run, load_run
from analysis.report import make_report, make_tables
from studies import records
from tests.analysis.logged import Training, log_run
from tests.analysis.synthetic import record

SCORES = {"winner": (0.1, 0.2, 0.3, 0.2, 0.1), "baseline": (0.5, 0.6, 0.4, 0.6, 0.5)}


def search(folder: Path, metric: str) -> Run:
    confirmed = [Training(f"confirm-{arm}", own, phase="confirm", arm=arm) for arm, own in SCORES.items()]
    trials = [Training("000", (0.2, 0.3, 0.4)), Training("001", (0.3, 0.4, 0.6))]
    return load_run(log_run(folder, record(metric=metric), [*trials, *confirmed]))


def ablation(folder: Path, metric: str) -> Run:
    arms = {"1": {"depth": 1}, "2": {"depth": 2}}
    study = record(metric=metric, kind="ablation", arms=arms, baseline="1", seeds={"ablation": [1] * 5})
    own = [
        Training(arm, scores, phase="ablation", arm=arm, config=arms[arm])
        for arm, scores in zip(arms, SCORES.values(), strict=True)
    ]
    return load_run(log_run(folder, study, own))


@pytest.mark.parametrize(("metric", "factor"), [("mae", 1.0), ("rel_l2", 3.0), ("max_error", 10.0)])
def test_what_ranks_is_the_score_and_errors_keep_their_names(
    tmp_path: Path, metric: str, factor: float
) -> None:
    run = search(tmp_path / "run", metric)
    assert set(run.trials["metric"]) == {metric}
    pd.testing.assert_series_equal(run.trials["score"], run.trials[metric], check_names=False)
    for table in (run.phase("search"), tables.trials_table(run).query("phase == 'search'")):
        first = table[table["trial"] == "000"]
        assert first["mae"].median() == pytest.approx(0.3)
        assert first["rel_l2"].median() == pytest.approx(0.9)
    winner = tables.summary_table(run).set_index("setting").loc["winner"]
    assert (winner["metric"], winner["score"]) == (metric, pytest.approx(factor * 0.2))
    assert (winner["mae"], winner["rel_l2"], winner["max_error"]) == pytest.approx((0.2, 0.6, 2.0))


@pytest.mark.parametrize("metric", ["mae", "rel_l2"])
def test_headings_and_sentences_name_the_metric(tmp_path: Path, metric: str) -> None:
    run = search(tmp_path / "run", metric)
    name = records.LABELS[metric]
    shown = tables.present(tables.summary_table(run))
    assert f"median {name} [interval]" in shown
    assert ("MAE" in shown) == (metric != "mae")
    assert f"winner's median {name} on seeds" in " ".join(answer.answer(run, make_tables(run)).sentences)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("make", [search, ablation])
def test_without_a_reference_no_table_says_error(tmp_path: Path, make: object) -> None:
    run = make(tmp_path / "run", "residual")  # type: ignore[operator]
    made = make_report(run.folder)
    texts = [path.read_text().lower() for path in made if path.parent.name == records.TABLES]
    assert any("residual" in text for text in texts)
    for text in texts:
        assert "error" not in text
        assert "mae" not in text
    said = " ".join(
        [*answer.answer(run, make_tables(run)).sentences, *doubts.warnings(run, make_tables(run))]
    )
    assert "error" not in said.lower()
