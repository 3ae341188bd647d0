"""Flipped bits and cut files: readers of a run read the rest or name the file, in one sentence."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from analysis.load import load_run
from analysis.tables import compare_table, counts_table
from dgm_cli.runs import _values
from dgm_cli.solve import _configured
from dgm_core import ConfigurationError, Setup, Trainer, load_problem
from dgm_core.training import load_field, save_model
from studies.errors import StudyError
from studies.records import OPTUNA, SOLUTION_KEYS, SOLUTIONS, typed, write_table
from studies.records.overview import overview
from studies.records.parquet import DamagedTableError, read_table
from studies.records.rebuild import settle, snapshot
from studies.running.rerun import recorded
from studies.running.resume import read_run
from tests.analysis.logged import Training, log_run, unsummed
from tests.analysis.synthetic import record
from tests.analysis.synthetic_runs import SPACE

HEAT = Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 3})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search that has kept its winner's field."""
    trainings = [
        Training("001", [0.1, 0.2, None]),
        Training("002", [0.3, 0.4, 0.5], rung=30),
        Training("003", [None], failed="RuntimeError: out of memory"),
        Training("confirm-winner", [0.1] * 5, phase="confirm", arm="winner"),
        Training("confirm-baseline", [0.2] * 5, phase="confirm", arm="baseline"),
    ]
    setups = {each.trial: HEAT.to_dict() for each in trainings}
    study = record(space=SPACE, setups=setups, definition={"name": "heat-search"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: 1.8e9)  # the same bytes each time the tests run
        folder = log_run(tmp_path_factory.mktemp("damage") / "run", study, trainings)
    (folder / "models").mkdir()
    trainer = Trainer(HEAT, [1, 2])
    trainer.advance(3)
    save_model(trainer.result(), folder / "models" / "winner.pt")
    confirmed = [rows for name in ("winner", "baseline") if len(rows := own(folder, name))]
    solutions = pd.concat([prediction(trainer, rows) for rows in confirmed], ignore_index=True)
    write_table(folder, SOLUTIONS, typed(solutions, SOLUTION_KEYS))
    with contextlib.closing(sqlite3.connect(folder / OPTUNA)) as database:
        database.execute("create table studies (study_id integer)")
    return folder


def own(folder: Path, arm: str) -> pd.DataFrame:
    trials = pd.read_parquet(folder / "trials.parquet")
    return trials[trials["arm"] == arm]


def prediction(trainer: Trainer, rows: pd.DataFrame) -> pd.DataFrame:
    """The same network's for each replicate of a confirmation."""
    values = trainer.predict()[0, :, 0].numpy()
    points = trainer.evaluation.points.numpy()
    columns = {axis.name: points[:, i] for i, axis in enumerate(trainer.setup.problem.inputs)}
    frames = [
        pd.DataFrame({**columns, "reference_u": values, "prediction_u": values}).assign(
            phase="confirm", trial=row.trial, arm=row.arm, replicate=row.replicate
        )
        for row in rows.itertuples()
    ]
    return pd.concat(frames)


def tables(folder: Path) -> None:
    settle(folder)
    loaded = load_run(folder)
    compare_table([loaded])
    counts_table(loaded)
    for name in ("curves", "errors", "decisions", "solutions"):
        getattr(loaded, name)


READERS: dict[str, Callable[[Path], object]] = {
    "status": lambda folder: json.dumps(_values(overview(folder))),
    "report": tables,
    "rerun": recorded,
    "resume": read_run,
    "dashboard": lambda folder: snapshot(folder, folder.parent / "shown"),
    "field": lambda folder: load_field(folder / "models" / "winner.pt")(torch.zeros(2, 1, 2)),
    "solve": lambda folder: _configured(str(folder), load_problem("heat")),
}


def harm(path: Path, choose: random.Random) -> None:
    """A file cut, or one to three of its bits flipped."""
    content = bytearray(path.read_bytes())
    if choose.random() < 0.25:
        del content[choose.randrange(len(content)) :]
    else:
        for _ in range(choose.choice([1, 1, 3])):
            content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name",
    [
        *("study.json", "log.jsonl", "trials.parquet", "curves.parquet", "decisions.parquet"),
        *("solutions.parquet", "optuna.db", "models/winner.pt"),
    ],
)
def test_every_reader_reads_the_rest_or_names_the_file(
    run: Path, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    for seed in range(4):
        choose = random.Random(f"{name} {seed}")
        for reader, read in READERS.items():
            shutil.copytree(run, copy)
            harm(copy / name, choose)
            caplog.clear()
            try:
                read(copy)
                # Nothing reads Optuna's copy, and what reads a table goes on without a damaged one.
                assert name != OPTUNA or not caplog.text
            except (ConfigurationError, StudyError) as error:
                said = str(error)
                assert name not in (SOLUTIONS, OPTUNA), (reader, seed, said)
                assert str(copy) in said or name == "study.json", (reader, seed, said)
                assert "\n" not in said, (reader, seed, said)
            shutil.rmtree(copy)


def test_without_its_solutions_a_run_has_all_else_and_the_file_is_named(
    run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert len(load_run(copy).solutions)
    (copy / SOLUTIONS).write_bytes((copy / SOLUTIONS).read_bytes()[:-40])
    loaded = load_run(copy)
    assert loaded.solutions.empty
    assert f"{copy / SOLUTIONS} is damaged" in caplog.text
    assert len(loaded.curves) > 0 < len(loaded.trials)


@pytest.mark.parametrize("key", ["iterations", "batch_size"])
def test_a_wrong_key_of_the_log_is_named_with_its_line(run: Path, tmp_path: Path, key: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    lines = unsummed((copy / "log.jsonl").read_text()).splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if '"suggested"' in line)
    head, _, config = lines[place].rpartition('"config":')
    lines[place] = f'{head}"config":{config.replace(key, key[:-1] + "r")}'
    (copy / "log.jsonl").write_text("".join(lines))
    with pytest.raises(StudyError, match=rf"log\.jsonl is damaged in line {place + 1}: .*config\.{key}"):
        overview(copy)


def test_losses_of_other_terms_than_the_problem_has_are_named(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    log = unsummed((copy / "log.jsonl").read_text())
    (copy / "log.jsonl").write_text(log.replace('"losses":[[', '"losses":[[0.0,').replace("],[", "],[0.0,"))
    with pytest.raises(StudyError, match=r"log\.jsonl or .*study\.json is damaged: they contradict"):
        _values(overview(copy))


@pytest.mark.parametrize("offset", range(4, 3000, 157))
def test_one_wrong_bit_in_a_table_is_noticed(run: Path, tmp_path: Path, offset: int) -> None:
    path = tmp_path / "trials.parquet"
    content = bytearray((run / "trials.parquet").read_bytes())
    content[offset] ^= 16
    path.write_bytes(content)
    try:
        found = read_table(path)
    except DamagedTableError as error:
        said = str(error)
    else:  # a bit that says nothing of the table
        assert found.equals(read_table(run / "trials.parquet"))
        return
    assert said.startswith(f"{path} is damaged: ")


def test_a_table_without_a_column_is_damaged(run: Path) -> None:
    path = run / "trials.parquet"
    with pytest.raises(DamagedTableError, match=r"trials\.parquet is damaged: it lacks the column 'hight'"):
        read_table(path, {"hight": "Float64"})
    with pytest.raises(DamagedTableError, match=r"trials\.parquet is damaged"):
        read_table(path, {"phase": "Int64"})
