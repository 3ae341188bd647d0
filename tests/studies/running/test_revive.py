"""Stopped trials trained to their ends after all: the same bits, and nothing decided anew."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dgm_core import ConfigurationError, Setup, Trainer
from studies.planning.course import Course
from studies.records import CHECKPOINTS, CURVES, PIECES, TRIALS, read_study, write_study
from studies.records.events import Decided, Ended, Left, Reported
from studies.records.history import History, read_history
from studies.records.log import LOG, Log, LogError, read_log
from studies.records.rebuild import settle, write_tables
from studies.running import revive as module
from studies.running.describe import study_record
from studies.running.extend import extend
from studies.running.revive import revive
from studies.study import Search, from_dict
from tests.studies.planning.test_course import finished
from tests.studies.running.synthetic import SEARCH, search_plan


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished search whose trials were made up: what is revived is really trained."""
    folder = tmp_path / "run"
    history = finished(folder, 2, random.Random(0))
    record = study_record(SEARCH, run="run", seed=1, quick=False, cores=1, command=None)
    record.state = "finished"
    write_study(folder, record)
    write_tables(folder, history, record)
    with Log(folder) as log:
        log.append([Left(state="finished")])
    return folder


def stopped(folder: Path) -> list[str]:
    return [e.trial for e in read_history(folder).phase("search") if e.status == "stopped"]


def revived(folder: Path, *trials: str) -> None:
    revive(folder, read_study(folder), trials, lambda said: None)


def test_a_revived_trial_is_the_one_that_was_never_stopped(run: Path) -> None:
    name, other = stopped(run)[:2]
    before = read_log(run)
    revived(run, name)
    revived(run, other, name)
    history = read_history(run)
    told = {str(entry.spec.arm): entry for entry in history.phase("revived")}
    assert list(told) == [name, other]
    entry = told[name]
    assert entry.status == "completed"
    assert entry.iterations == entry.asked
    whole = Trainer(Setup.from_dict(entry.spec.setup), history.entries[name].spec.seeds)
    whole.advance(entry.asked)
    assert entry.measured is not None
    assert entry.measured.replicates.scores == list(whole.result().errors.score)
    curves = pd.read_parquet(run / CURVES)
    own = curves[curves["trial"] == entry.trial]
    losses = own.sort_values(["replicate", "iteration"])["loss"].to_numpy().reshape(2, -1)
    assert np.array_equal(losses.T, whole.curves.state()["losses"][:, :, 0].numpy())
    rows = pd.read_parquet(run / TRIALS)
    assert rows.loc[rows["trial"] == entry.trial, "status"].tolist() == ["completed", "completed"]
    assert not (run / CHECKPOINTS / entry.spec.folder).exists()
    assert not (run / PIECES).exists()
    after = read_log(run)
    assert after[: len(before)] == before
    new = after[len(before) :]
    assert not [event for event in new if isinstance(event, Decided)]
    assert len([event for event in new if isinstance(event, (Reported, Ended))]) == 4
    assert history.best == History(before).best


def test_the_run_can_be_gone_on_with_afterwards(run: Path) -> None:
    revived(run, stopped(run)[0])
    study = from_dict(read_study(run).definition)
    assert isinstance(study, Search)
    events = read_log(run)
    with Log(run) as log:
        assert Course(search_plan(study=study), log, events).done
    assert read_log(run) == events, "nothing is owed"
    extend(run, read_study(run), SEARCH.trials + 2)
    assert not read_history(run).phase("revived"), "its place among more trials is another"


def test_an_interrupted_revival_leaves_the_run_as_it_was_and_goes_on(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = stopped(run)[0]
    before = {place: (run / place).read_bytes() for place in (LOG, CURVES, TRIALS, "study.json")}

    def killed(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_add_curves", killed)
        with pytest.raises(OSError, match="killed"):
            revived(run, name)
    assert {place: (run / place).read_bytes() for place in before} == before
    assert list((run / CHECKPOINTS).iterdir())
    revived(run, name)
    assert [entry.status for entry in read_history(run).phase("revived")] == ["completed"]
    assert len(pd.read_parquet(run / CURVES)["trial"].unique()) == 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"state": "interrupted"}, "is interrupted: finish it first with dgm resume"),
        ({"storage": "s3://bucket/run"}, "its log is copied to s3://bucket/run"),
        ({"kind": "ablation"}, "is not a search: only trials of a search are stopped early"),
        ({"device": "cuda"}, "was trained on cuda, which this machine does not have"),
    ],
)
def test_runs_that_have_nothing_to_revive_are_refused(run: Path, change: dict[str, str], match: str) -> None:
    record = read_study(run).model_copy(update=change)
    with pytest.raises(ConfigurationError, match=match):
        revive(run, record, stopped(run)[:1], lambda said: None)


def test_trials_that_were_not_stopped_are_refused(run: Path) -> None:
    done = next(e.trial for e in read_history(run).phase("search") if e.status == "completed")
    with pytest.raises(ConfigurationError, match=f"trial {done} of .* was not stopped early: it completed"):
        revived(run, done)
    with pytest.raises(ConfigurationError, match="unknown stopped trial 'x'"):
        revived(run, "x")


def test_a_log_that_ends_too_early_loses_no_trial(run: Path) -> None:
    """As of a copy that was cut short: the tables have more than it, and are left alone."""
    name, lines = stopped(run)[0], (run / LOG).read_bytes().splitlines(keepends=True)
    (run / LOG).write_bytes(b"".join(lines[:-1]))
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    with pytest.raises(LogError, match="is not whole: it ends before the study was finished"):
        revived(run, name)
    record = read_study(run)
    with pytest.raises(LogError, match="is not whole"):
        extend(run, record, record.trials_asked + 2)
    assert {path: path.read_bytes() for path in before} == before
    (run / TRIALS).write_bytes(b"damaged")
    with pytest.raises(LogError, match="is not whole"):
        settle(run)
    assert (run / TRIALS).read_bytes() == b"damaged"
