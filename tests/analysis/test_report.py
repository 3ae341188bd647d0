"""The page, its words, and that it is remade the same."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.load import Run, load_run
from analysis.report import TABLES, make_report, make_tables
from studies import records


def page(path: Path) -> str:
    return re.sub(r"base64,[^\"]+", "base64,…", (path / records.REPORT).read_text())


def test_a_search_report_says_everything(copied: Callable[[str], Path]) -> None:
    path = copied("search")
    written = make_report(path)
    assert all(one.is_file() and one.stat().st_size for one in written)
    names = {one.name for one in written}
    assert {"summary.csv", "summary.md", "summary.tex", "trials.csv", "early-stopping.csv"} <= names
    assert {"best-so-far.png", "best-so-far.pdf", "solution-winner.png", "report.html"} <= names
    text = page(path)
    assert "Which batch size, learning rate and depth solve the heat equation best?" in text
    assert "1.10 [0.90, 1.40] × 10⁻⁴ (n = 5 seeds, 0 diverged; interval of 93.8 %)" in text
    assert "times better than the baseline [" in text
    assert "dgm run heat-search" in text
    assert "0123abc" in text
    assert text.count('<img src="data:image/png;base64,…"') == 7
    assert "http" not in text.replace("https://www.w3.org", "")


@pytest.mark.usefixtures("undrawn")
def test_names_are_escaped(copied: Callable[[str], Path]) -> None:
    path = copied("empty")
    study = path / records.STUDY
    study.write_text(json.dumps({**json.loads(study.read_text()), "question": "Is <script>x</script> & y?"}))
    make_report(path)
    assert "Is &lt;script&gt;x&lt;/script&gt; &amp; y?" in page(path)
    assert "<script>" not in page(path)


def test_two_calls_and_a_copied_folder_give_the_same(copied: Callable[[str], Path], tmp_path: Path) -> None:
    path = copied("single")
    make_report(path)
    first = {one.name: one.read_bytes() for one in (path / records.TABLES).iterdir()}
    text = (path / records.REPORT).read_text()
    other = Path(shutil.copytree(path, tmp_path / "elsewhere"))
    make_report(other)
    assert {one.name: one.read_bytes() for one in (other / records.TABLES).iterdir()} == first
    assert (other / records.REPORT).read_text() == text


def test_an_ablation_answers_against_its_baseline(folder: Callable[[str], Path]) -> None:
    from analysis import answer, doubts

    run = load_run(folder("batch-size"))
    made = {name: make(run) for name, (_, make) in TABLES.items()}
    said = " ".join(answer.answer(run, made).sentences)
    assert "The lowest median MAE is that of batch size 1024: 2.93 [2.41, 3.95] × 10⁻⁴" in said
    assert "Better than the baseline: 512 (0.361×), 1024 (0.296×)." in said
    assert "adjusted for 10 comparisons (Holm)" in said
    assert "cannot give less than 0.0625 with 5 seeds" in said
    wary = doubts.warnings(run, made)
    assert "1: 1 of 5 replicates diverged and counts as the worst." in wary
    assert any("share one learning rate" in text for text in wary)


def test_a_falling_loss_without_a_solution_is_said(folder: Callable[[str], Path]) -> None:
    from analysis import answer, doubts

    run = load_run(folder("batch-norm"))
    made = {name: make(run) for name, (_, make) in TABLES.items()}
    assert "15 replicates are degenerate" in " ".join(answer.answer(run, made).sentences)
    assert not any("share one learning rate" in text for text in doubts.warnings(run, made))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("empty", "The run was interrupted"),
        ("two-outputs", "Only 1 trial ended"),
    ],
)
def test_small_runs_are_reported_with_a_warning(
    copied: Callable[[str], Path], name: str, warning: str
) -> None:
    path = copied(name)
    make_report(path)
    assert warning in page(path)


def _changed(path: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Rewrites one of a run's Parquet files."""
    change(pd.read_parquet(path / name)).to_parquet(path / name)


@pytest.mark.usefixtures("undrawn")
def test_a_trial_interrupted_before_its_first_report_is_no_obstacle(copied: Callable[[str], Path]) -> None:
    path = copied("search")
    trials = pd.read_parquet(path / records.TRIALS)
    cut = set(trials.loc[trials["status"] == "interrupted", "trial"])
    assert cut
    bare = ["seconds", "mae", "rel_l2", "max_error", "loss"]

    def never_reported(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[rows["trial"].isin(cut), ["iterations", "points"]] = 0
        rows.loc[rows["trial"].isin(cut), bare] = None
        return rows

    _changed(path, records.TRIALS, never_reported)
    _changed(path, records.CURVES, lambda rows: rows[~rows["trial"].isin(cut)])
    assert "learning-curves.png" in {one.name for one in make_report(path)}


@pytest.mark.usefixtures("undrawn")
def test_an_ablation_of_which_no_arm_ended_is_reported(copied: Callable[[str], Path]) -> None:
    path = copied("batch-size")
    _changed(path, records.TRIALS, lambda rows: rows.assign(status="interrupted"))
    make_report(path)
    assert "interrupted" in page(path)


@pytest.mark.usefixtures("undrawn")
def test_a_confirmation_whose_median_replicate_left_no_solution_has_no_panel(
    copied: Callable[[str], Path],
) -> None:
    path = copied("search")
    _changed(path, records.SOLUTIONS, lambda rows: rows[rows["arm"] != "winner"])
    names = {one.name for one in make_report(path)}
    assert "solution-winner.png" not in names
    assert "solution-baseline.png" in names


def test_one_seed_has_no_interval_that_could_overlap(run: Callable[[str], Run]) -> None:
    from analysis.doubts import warnings

    search = run("search")
    trials = search.trials
    first = trials[(trials["phase"] != "confirm") | (trials["replicate"] == 0)].reset_index(drop=True)
    one = replace(search, trials=first)
    assert not any("overlap" in said for said in warnings(one, make_tables(one)))
    winner = (trials["arm"] == "winner") & (trials["replicate"] == 0)
    wide = replace(search, trials=trials.assign(score=trials["score"].mask(winner, 1.0)))
    assert any("overlap" in said for said in warnings(wide, make_tables(wide)))


def test_a_trial_that_was_cut_short_while_it_was_ahead_is_named(run: Callable[[str], Run]) -> None:
    from analysis.doubts import warnings

    search = run("search")
    assert search.study.winner is not None
    named = search.study.model_copy(
        update={"winner": search.study.winner.model_copy(update={"trial": "t00"})}
    )
    (cut,) = search.trials.loc[search.trials["status"] == "interrupted", "trial"].unique()

    def said(winners_error: float) -> list[str]:
        score = search.trials["score"].mask(search.trials["trial"] == "t00", winners_error)
        one = replace(search, study=named, trials=search.trials.assign(score=score))
        return [each for each in warnings(one, make_tables(one)) if "interrupted at" in each]

    assert said(0.1) == []
    (sentence,) = said(0.9)
    assert sentence.startswith(f"Trial {cut} was interrupted at iteration 300 of ")
    assert "lower than the winner's at its end, 0.90" in sentence


def test_too_few_seeds_are_told_once_for_all_arms() -> None:
    from analysis.doubts import few_seeds

    few = "too few for an interval to be trusted."
    assert few_seeds({"a": 3, "b": 3, "c": 3}, "arm") == [f"All 3 arms: 3 seeds each, {few}"]
    assert few_seeds({"a": 3, "b, c": 3, "d": 6}, "arm") == [f'a and "b, c": 3 seeds each, {few}']
    assert few_seeds({"winner": 2, "baseline": 1}, "setting") == [
        f"baseline: 1 seed, {few}",
        f"winner: 2 seeds, {few}",
    ]
    assert few_seeds({"winner": 6}, "setting") == []
