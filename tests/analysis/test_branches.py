"""A run whose settings depend on a choice: what a trial did not have is shown as such, everywhere."""

from __future__ import annotations

import random
from pathlib import Path

import matplotlib.pyplot as plt
import optuna
import pandas as pd
import pytest

from analysis.answer import answer
from analysis.doubts import warnings
from analysis.explorer import _trials
from analysis.load import Run, load_run
from analysis.plots.search import hyperparameters
from analysis.report import make_tables
from analysis.tables.writers import markdown
from studies.records.history import History
from studies.running.describe import study_record
from studies.running.mirror import Mirror, open_database
from tests.analysis.logged import Training, log_run
from tests.analysis.synthetic import record
from tests.studies.planning.test_branches import BRANCHED
from tests.studies.planning.test_course import finished

SPACE = {
    "network": {"distribution": "CategoricalDistribution", "choices": ["mlp", "dgm"]},
    "width": {
        "distribution": "IntDistribution",
        "log": False,
        "step": 1,
        "low": 4,
        "high": 16,
        "when": {"network": ["dgm"]},
    },
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    trainings = [
        Training("001", (0.1, 0.2), config={"network": "mlp", "width": 32}),
        Training("002", (0.3, 0.2), config={"network": "dgm", "width": 8}),
        Training("003", (0.05, 0.04), config={"network": "mlp", "width": 32}),
        Training("w", (0.05, 0.05), phase="confirm", arm="winner", config={"network": "mlp", "width": 32}),
        Training("b", (0.2, 0.3), phase="confirm", arm="baseline", config={"network": "dgm", "width": 8}),
    ]
    return load_run(log_run(tmp_path / "run", record(space=SPACE, replicates=2), trainings))


def test_tables_leave_out_what_did_not_exist(run: Run) -> None:
    tables = make_tables(run)
    widths = tables["trials"].drop_duplicates("trial").set_index("trial")["width"]
    assert widths["002"] == 8
    assert pd.isna(widths["001"])
    text = markdown(tables["trials"])
    assert "nan" not in text.lower()
    assert "<na>" not in text.lower()
    said = " ".join(answer(run, tables).sentences)
    assert "network mlp" in said
    assert "width" not in said


def test_trials_that_are_the_same_setup_are_named(run: Run) -> None:
    """The first and the third: what a trial did not have makes no difference."""
    said = [each for each in warnings(run, make_tables(run)) if "one training" in each]
    assert said == ["Trials 001 and 003 have the same settings and seeds: one training, done more than once."]


def test_figures_and_the_explorer_show_the_trials_that_had_it(run: Run) -> None:
    figure = hyperparameters(run)
    assert figure is not None
    axis = next(axis for axis in figure.axes if axis.get_xlabel().startswith("width"))
    shown = [x for dots in axis.collections for x, _ in dots.get_offsets().filled(float("nan")) if x == x]
    assert shown == [8.0]
    plt.close(figure)
    settings = {each["trial"]: each["settings"]["width"] for each in _trials(run)}
    assert settings["001"] is None
    assert settings["002"] == 8


def test_optunas_tools_see_the_settings_that_a_trial_had(tmp_path: Path) -> None:
    history = finished(tmp_path / "run", 2, random.Random(0), study=BRANCHED)
    told = study_record(BRANCHED, run="run", seed=1, quick=False, cores=1, command=None)
    storage = open_database(tmp_path / "a.db")
    mirror = Mirror(storage, told, "branched")
    mirror.tend(History([]))
    mirror.tend(history)
    study = optuna.load_study(study_name="branched", storage=storage)
    params = {trial.user_attrs["trial"]: set(trial.params) for trial in study.trials[1:]}
    assert params == {entry.trial: set(entry.spec.changes) for entry in history.phase("search")}
