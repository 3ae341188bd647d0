"""Studies under a real Ray: early stopping, divergence, confirmation and what they leave on disk."""

from __future__ import annotations

import json
import math
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from dev.soak.fragile import TRAP
from dev.soak.process import Process, wait_for_event
from dgm_core import ConfigurationError, Setup, load_problem, train
from studies.records import read_study
from studies.running.runner import Options, run_study
from studies.study import Ablation, Search

pytestmark = pytest.mark.ray

TINY = Setup.named(load_problem("heat")).changed({"width": 8, "batch_size": 8, "iterations": 120})
GOOD, BAD, DIVERGING = (1e-2, 5e-3), 1e-12, 1e30
SEED = 3
"""Suggests good rates first, so that a bad one meets something to be compared with."""

SEARCH = Search(
    name="probe-search",
    question="Does early stopping spare the good?",
    base=TINY,
    baseline=TINY.changed({"learning_rate": 1e-4}),
    space={"learning_rate": CategoricalDistribution([*GOOD, BAD, DIVERGING])},
    trials=9,
    replicates=2,
    confirmations=3,
    startup_trials=12,
    grace_period=30,
    reduction_factor=2,
    workers=2,
)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(SEARCH, Options(out=tmp_path_factory.mktemp("out"), run="one", seed=SEED, cores=2))


@pytest.fixture(scope="module")
def trials(search: Path) -> pd.DataFrame:
    return pd.read_parquet(search / "trials.parquet")


def test_a_study_with_diverging_trials_goes_on_to_its_end(search: Path, trials: pd.DataFrame) -> None:
    assert read_study(search).state == "finished"
    assert trials[trials["arm"] == "winner"]["trial"].nunique() == 2, "three seeds, two a trial"
    rows = trials[trials["phase"] == "search"]
    assert rows["trial"].nunique() == SEARCH.trials
    diverging = rows[rows["config/learning_rate"] == DIVERGING]
    assert len(diverging)
    assert set(diverging["status"]) == {"diverged"}
    assert diverging["mae"].isna().all()
    assert diverging["diverged_at"].notna().all()
    assert set(rows[rows["config/learning_rate"].isin(GOOD)]["status"]) <= {"completed", "stopped"}


def test_bad_settings_are_stopped_early_and_good_ones_are_not(trials: pd.DataFrame) -> None:
    bad = trials[trials["config/learning_rate"] == BAD]
    stopped = bad[bad["status"] == "stopped"]
    assert len(stopped) > 0
    assert (stopped["rung"] == stopped["iterations"]).all()
    assert (stopped["iterations"] < TINY.config.iterations).all()
    good = trials[(trials["phase"] == "search") & trials["config/learning_rate"].isin(GOOD)]
    assert (good["status"] == "completed").any()


def test_every_stop_has_evidence_that_bears_it_out(search: Path, trials: pd.DataFrame) -> None:
    decisions = pd.read_parquet(search / "decisions.parquet")
    stops = decisions[decisions["stopped"]]
    trained = trials[trials["same_as"].isna()]
    assert set(stops["trial"]) >= set(trained[trained["status"] == "stopped"]["trial"])
    assert (stops["score"] > stops["cutoff"]).all()
    assert (stops["recorded"] >= 1).all()
    assert set(decisions["rung"]) <= {30, 60}


def test_the_winner_is_confirmed_on_seeds_the_search_never_saw(search: Path, trials: pd.DataFrame) -> None:
    record = read_study(search)
    assert record.winner is not None
    assert record.winner.config["learning_rate"] in GOOD
    confirmed = trials[(trials["phase"] == "confirm") & (trials["arm"] == "winner")]
    searched = set(trials[trials["phase"] == "search"]["seed"])
    assert len(confirmed) == SEARCH.confirmations
    assert not set(confirmed["seed"]) & searched
    assert record.winner.score["median"] == pytest.approx(np.median(confirmed["mae"]))
    assert record.winner.score["n"] == SEARCH.confirmations
    assert record.confirmed_baseline is not None
    assert record.confirmed_baseline.config["learning_rate"] == 1e-4
    assert set(trials[trials["arm"] == "baseline"]["status"]) == {"completed"}


def test_a_confirmed_number_is_what_training_alone_gives(trials: pd.DataFrame) -> None:
    row = trials[(trials["phase"] == "confirm") & (trials["arm"] == "winner")].iloc[0]
    alone = train(TINY.changed({"learning_rate": float(row["config/learning_rate"])}), [int(row["seed"])])
    assert alone.errors.mae[0] == pytest.approx(row["mae"], rel=1e-3)


def test_curves_hold_every_iteration_of_every_replicate(search: Path, trials: pd.DataFrame) -> None:
    curves = pd.read_parquet(search / "curves.parquet")
    trials = trials[trials["same_as"].isna()]  # the others were not trained
    lengths = curves.groupby(["trial", "replicate"])["iteration"].agg(["count", "max"])
    expected = trials.set_index(["trial", "replicate"])["iterations"]
    assert (lengths["count"] == lengths["max"]).all()
    assert lengths["max"].to_dict() == expected.to_dict()
    last = curves.groupby(["trial", "replicate"])["loss"].last()
    done = trials[trials["status"] == "completed"].set_index(["trial", "replicate"])
    np.testing.assert_allclose(last.loc[done.index], done["loss"].astype(float), rtol=1e-6)


def test_the_records_say_where_how_and_with_what(search: Path) -> None:
    record = read_study(search)
    assert record.versions["torch"]
    assert record.machine["cores"] >= 1
    assert record.scheduler["rungs"] == [30, 60]
    assert record.iterations_asked == SEARCH.trials * TINY.config.iterations
    assert record.iterations_run is not None
    assert 0 < record.iterations_run < record.iterations_asked
    with sqlite3.connect(search / "optuna.db") as storage:
        states = dict(storage.execute("select state, count(*) from trials group by state"))
    assert states["COMPLETE"] + states["PRUNED"] == SEARCH.trials + 1, "the baseline is one too"
    assert states["PRUNED"] >= 1


def test_short_trials_follow_each_other_on_the_same_workers(tmp_path: Path) -> None:
    short = Setup.named(load_problem("exponential-decay")).changed({"width": 8, "iterations": 40})
    many = Search(
        name="many",
        base=short,
        space={"learning_rate": FloatDistribution(1e-4, 1e-1, log=True)},
        trials=20,
        replicates=1,
        confirmations=1,
        grace_period=10,
        workers=2,
    )
    folder = run_study(many, Options(out=tmp_path, run="one", cores=2))
    (state,) = (folder / "ray").glob("*/experiment_state*.json")
    processes = re.findall(r'pid\\": (\d+)', state.read_text())
    assert len(processes) > many.trials
    assert len(set(processes)) <= many.workers


def test_an_existing_run_is_refused_and_left_alone(search: Path) -> None:
    before = (search / "study.json").stat().st_mtime_ns
    with pytest.raises(ConfigurationError, match="exists: choose another --name"):
        run_study(SEARCH, Options(out=search.parent.parent, run="one"))
    assert (search / "study.json").stat().st_mtime_ns == before


def test_an_ablation_trains_every_arm_on_the_same_seeds(tmp_path: Path) -> None:
    study = Ablation(
        name="probe-ablation",
        question="Does the batch size matter?",
        base=TINY.changed({"iterations": 40}),
        arms={"1": {"batch_size": 1}, "8": {}},
        baseline="8",
        replicates=2,
        tuned_rate=True,
        rates=(1e-12, 1e-2),
    )
    folder = run_study(study, Options(out=tmp_path, cores=2))
    record = read_study(folder)
    trials = pd.read_parquet(folder / "trials.parquet")
    arms = trials[trials["phase"] == "ablation"]
    assert record.state == "finished"
    assert record.learning_rates == "tuned"
    assert set(record.tuned_rates.values()) == {1e-2}
    assert set(arms["config/learning_rate"]) == {1e-2}
    assert not set(arms["seed"]) & set(trials[trials["phase"] == "tune"]["seed"])
    assert {arm: list(rows["seed"]) for arm, rows in arms.groupby("arm")} == {"1": [0, 1], "8": [0, 1]}
    assert list(arms[arms["arm"] == "1"]["points"]) == [40, 40]
    assert list(arms[arms["arm"] == "8"]["points"]) == [320, 320]
    solutions = pd.read_parquet(folder / "solutions.parquet")
    assert set(solutions["arm"]) == {"1", "8"}


QUICK = """
from optuna.distributions import FloatDistribution

from dgm_core import Setup, load_problem
from studies import Search

STUDY = Search(
    name="cut-short",
    base=Setup.named(load_problem("heat")).changed({"width": 8, "batch_size": 8, "iterations": 120}),
    space={"learning_rate": FloatDistribution(1e-4, 1e-1, log=True)},
    trials=4,
    replicates=1,
    grace_period=30,
    workers=2,
)
"""


@pytest.fixture
def interrupted(tmp_path: Path) -> tuple[Path, Process]:
    """A search that is interrupted as its first trial reaches a rung, and its process."""
    (tmp_path / "cut.py").write_text(QUICK)
    study, place = ["run", str(tmp_path / "cut.py"), "--cores", "1", "--json"], '"event":"reported"'
    line, trap = [*study, "--out", str(tmp_path), "--name", "cut"], tmp_path / "trap"
    process = Process(line, {TRAP: str(trap)}, hold=place, output=subprocess.PIPE)
    folder = tmp_path / "cut-short" / "cut"
    assert wait_for_event(folder, process, place), process.ended()
    process.popen.send_signal(signal.SIGINT)  # which Tune alone hears
    trap.touch()  # nothing springs it: the process goes on
    return folder, process


def test_an_interrupt_keeps_what_is_done_and_says_how_to_look_at_it(
    interrupted: tuple[Path, Process],
) -> None:
    folder, process = interrupted
    code, said = process.ended()
    assert code == 130, said
    assert "Traceback" not in said
    assert "dgm report" in said
    assert "dgm resume" in said
    assert read_study(folder).state == "interrupted"
    trials = pd.read_parquet(folder / "trials.parquet")
    assert "interrupted" in set(trials["status"])
    assert (trials["iterations"] > 0).any()
    assert process.printed is not None
    outcome = json.loads(process.printed.splitlines()[-1])
    assert outcome["state"] == "interrupted"
    assert outcome["winner"] is None
    assert math.isfinite(outcome["seconds"])
