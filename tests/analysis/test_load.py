"""Reading run folders, whole, partial and wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import tables
from analysis.load import Run, load_run
from studies import records
from studies.records import ConfigurationError
from studies.records.history import read_history
from studies.records.tables import trials_frame


def test_a_run_is_read(run: Callable[[str], Run]) -> None:
    found = run("search")
    assert found.study.name == "heat-search"
    assert found.trials["trial"].nunique() == 26
    assert list(found.trials.columns[: len(records.TRIAL_COLUMNS)]) == list(records.TRIAL_COLUMNS)
    assert len(found.curves) == found.trials["iterations"].sum()
    assert found.errors["score"].notna().all()
    assert len(found.errors) < len(found.curves) / 10
    assert set(found.decisions["rung"]) == {500, 1000}


def test_curves_are_selected_by_trial_and_iteration(run: Callable[[str], Run]) -> None:
    part = run("search").losses(["t00", "t01"], until=100, terms=True)
    assert set(part["trial"]) == {"t00", "t01"}
    assert part["iteration"].max() == 100
    assert len(part) == 2 * 3 * 100
    assert "loss_interior" in part


def test_an_interrupted_run_has_empty_tables(run: Callable[[str], Run]) -> None:
    found = run("empty")
    assert found.trials.empty
    assert found.curves.empty
    assert found.decisions.empty
    assert found.solutions.empty
    assert list(found.trials.columns) == list(records.TRIAL_COLUMNS)
    assert {"score", "loss", "loss_interior"} <= set(found.curves.columns)
    assert {"x", "t", "reference_u", "prediction_u"} <= set(found.solutions.columns)


def test_empty_parquet_files_are_empty_tables(copied: Callable[[str], Path]) -> None:
    path = copied("empty")
    bare = records.typed(pd.DataFrame({"loss": pd.Series(dtype="float32")}), records.CURVE_KEYS)
    records.write_table(path, records.CURVES, bare)
    assert load_run(path).losses(["t00"], terms=True).empty


def test_a_folder_without_a_study_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a run: it holds no study\.json\.$"):
        load_run(tmp_path)
    with pytest.raises(ConfigurationError, match="is not a run: there is no such folder"):
        load_run(tmp_path / "absent")


def test_a_finished_run_without_trials_is_named(copied: Callable[[str], Path]) -> None:
    path = copied("single")
    (path / records.TRIALS).unlink()
    with pytest.raises(ConfigurationError, match=r"finished run, but its trials\.parquet is missing"):
        load_run(path)


def test_a_newer_schema_is_refused(copied: Callable[[str], Path]) -> None:
    path = copied("empty") / records.STUDY
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))
    with pytest.raises(
        ConfigurationError, match=f"schema version 99, newer than this program's {records.SCHEMA}"
    ):
        load_run(path.parent)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "x"}', '{"schema_version": "one"}'])
def test_a_damaged_study_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / records.STUDY).write_text(text)
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        load_run(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_table_is_one_sentence(copied: Callable[[str], Path]) -> None:
    path = copied("single")
    (path / records.TRIALS).write_bytes(b"not parquet")
    with pytest.raises(ConfigurationError, match=r"trials\.parquet is damaged") as caught:
        load_run(path)
    assert "\n" not in str(caught.value)


def test_reading_needs_neither_torch_nor_ray() -> None:
    heavy = "{'torch', 'ray', 'optuna'}"
    ours = "{name for name in sys.modules if name.startswith('dgm_core.')} == {'dgm_core.errors'}"
    code = f"import sys, analysis.report; assert not {heavy} & set(sys.modules); assert {ours}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


OLD = Path(__file__).parents[1] / "data" / "schema-2"
"""A search of three trials, as schema version 2 wrote it: its baseline is called reference."""


def test_a_run_of_schema_2_is_read(tmp_path: Path) -> None:
    run = load_run(OLD)
    confirmed = run.phase("confirm")
    assert set(confirmed["arm"]) == {"winner", "baseline"}
    pd.testing.assert_series_equal(run.trials["score"], run.trials["mae"], check_names=False)
    assert set(run.trials["metric"]) == {"mae"}
    assert run.study.confirmed_baseline is not None
    summary = tables.summary_table(run).set_index("setting")
    for name, outcome in (("winner", run.study.winner), ("baseline", run.study.confirmed_baseline)):
        assert outcome is not None
        assert summary.loc[name, "score"] == outcome.score["median"]
    assert len(run.errors) > 0


def test_the_tables_of_a_run_of_schema_2_follow_from_its_log() -> None:
    study, history = records.read_study(OLD), read_history(OLD)
    made = trials_frame(history, study.terms, study.metric)
    pd.testing.assert_frame_equal(made, load_run(OLD).trials, check_like=True)


def test_a_run_of_schema_1_is_read_as_it_was(tmp_path: Path) -> None:
    """Its curves hold the score as `mae`, its study.json the winner's as `mae`, and no metric."""
    folder = Path(shutil.copytree(OLD, tmp_path / "run"))
    new = load_run(folder)
    errors = new.errors
    curves = pd.read_parquet(folder / records.CURVES).rename(columns={"score": "mae"})
    curves.to_parquet(folder / records.CURVES)
    trials = pd.read_parquet(folder / records.TRIALS).drop(columns="residual", errors="ignore")
    trials.to_parquet(folder / records.TRIALS)
    study = json.loads((folder / records.STUDY).read_text())
    study["winner"]["mae"] = study["winner"].pop("score")
    del study["metric"]
    (folder / records.STUDY).write_text(json.dumps({**study, "schema_version": 1}))
    old = load_run(folder)
    assert old.study.metric == "mae"
    assert old.study.winner == new.study.winner
    pd.testing.assert_frame_equal(old.errors, errors)
    pd.testing.assert_frame_equal(old.trials, new.trials)
