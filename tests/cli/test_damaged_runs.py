"""A run folder from anywhere: whatever became of its files, readers answer with tables or a sentence."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dgm_cli.app import main
from dgm_core import Setup, load_problem
from dgm_core.training import TrainingProgress
from studies.records import read_study
from studies.running.solve import resume_solve, solve_setup
from studies.trials import trainable
from tests.analysis.logged import unsummed
from tests.still import stand_still, without_path

SETUP = Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 30})


def interrupted(far: TrainingProgress, loss: float, score: float) -> None:
    if far.done >= 10:
        raise KeyboardInterrupt


def made(out: Path) -> dict[str, Path]:
    """A run that is finished and one that was left, with all kinds of files that a study leaves."""
    folders = {}
    for name, progress in (("finished", None), ("left", interrupted)):
        with pytest.MonkeyPatch.context() as patch:
            stand_still(patch)
            patch.setattr(trainable, "CHECKPOINT_SECONDS", 0.0)
            run = solve_setup(SETUP, out=out, replicates=2, run=name, on_progress=progress).folder
        without_path(run / "errors.json", out)
        (run / "curves").mkdir()
        shutil.copy(run / "curves.parquet", run / "curves" / "solve-00000.parquet")
        with sqlite3.connect(run / "optuna.db") as database:
            database.execute("create table studies (study_id integer)")
        folders[name] = run
    return folders


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return made(tmp_path_factory.mktemp("out"))


def test_the_same_bytes_are_harmed_each_time_the_tests_run(runs: dict[str, Path], tmp_path: Path) -> None:
    for name, again in made(tmp_path).items():
        files = sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
        assert len(files) > 9
        assert [
            file for file in files if (again / file).read_bytes() != (runs[name] / file).read_bytes()
        ] == []


def truncate(path: Path, choose: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: choose.randrange(len(content))])


def flip(path: Path, choose: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(choose.randrange(1, 20)):
        content[choose.randrange(len(content))] = choose.randrange(256)
    path.write_bytes(bytes(content))


def empty(path: Path, choose: random.Random) -> None:
    path.write_bytes(b"")


def remove(path: Path, choose: random.Random) -> None:
    path.unlink()


def a_folder(path: Path, choose: random.Random) -> None:
    path.unlink()
    path.mkdir()


def noise(path: Path, choose: random.Random) -> None:
    path.write_bytes(choose.randbytes(choose.randrange(1, 4_000)))


def a_pickle_that_acts(path: Path, choose: random.Random) -> None:
    path.write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")


def a_line_less(path: Path, choose: random.Random) -> None:
    """Of a log, as if the process had been killed."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def a_link(path: Path, choose: random.Random) -> None:
    """That leads nowhere."""
    path.unlink()
    path.symlink_to(path.parent / "nowhere" / "precious")


HARMS: list[Callable[[Path, random.Random], None]] = [
    truncate, flip, empty, remove, a_folder, noise, a_pickle_that_acts, a_line_less, a_link,
]  # fmt: skip
READERS = ["report", "status", "compare", "rerun --check", "list runs", "clean"]


def read(reader: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    place = folder.parent if reader == "list runs" else folder
    monkeypatch.setattr(sys, "argv", ["dgm", *reader.split(), str(place)])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


@pytest.mark.parametrize("seed", range(48))
def test_no_reader_survives_a_damaged_run_badly(
    runs: dict[str, Path],
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    if seed % 4:  # every fourth has its figures rendered too
        request.getfixturevalue("undrawn")
    monkeypatch.chdir(tmp_path)
    choose = random.Random(seed)
    copy = tmp_path / "runs" / "copy"
    shutil.copytree(runs[choose.choice(sorted(runs))], copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file() and path.stat().st_size)
    for path in choose.sample(files, choose.randrange(1, 3)):
        choose.choice(HARMS)(path, choose)
    for reader in READERS:
        code = read(reader, copy, monkeypatch)
        output = capsys.readouterr()
        assert code in (0, 1, 2), output.err
        assert "Traceback" not in output.err
        if code:
            assert len(output.err.strip().splitlines()) == 1, output.err
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_checkpoint_is_named_and_not_gone_on_from(
    runs: dict[str, Path], tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(runs["left"], copy)
    (checkpoint,) = copy.rglob("checkpoint.pt")
    choose = random.Random(seed)
    (truncate, flip, noise, empty, remove)[seed](checkpoint, choose)
    resume_solve(SETUP, copy, read_study(copy))
    if seed != 4:  # one that is gone is not damaged
        assert f"{checkpoint} is damaged: that training begins anew." in caplog.text
    assert pd.read_parquet(copy / "curves.parquet").equals(
        pd.read_parquet(runs["finished"] / "curves.parquet")
    )


def test_what_is_whole_is_reported_and_what_is_not_is_named(
    runs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(runs["finished"], copy)
    for name in ("trials.parquet", "solutions.parquet"):
        truncate(copy / name, random.Random(1))
    assert read("report", copy, monkeypatch) == 0
    named = {record.getMessage().split(" is damaged")[0] for record in caplog.records}
    assert named == {str(copy / name) for name in ("trials.parquet", "solutions.parquet")}
    trials = pd.read_parquet(copy / "trials.parquet")
    assert trials.equals(pd.read_parquet(runs["finished"] / "trials.parquet")), "made again from the log"
    assert (copy / "report.html").is_file()


def test_a_record_that_names_other_places_is_refused_or_kept_inside(
    runs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    copy, victim = tmp_path / "copy", tmp_path / "victim"
    shutil.copytree(runs["left"], copy)
    victim.mkdir()
    (victim / "precious").write_text("mine")
    (copy / "report.html").symlink_to(victim / "precious")
    assert read("report", copy, monkeypatch) == 0
    record = json.loads((copy / "study.json").read_text())
    record["definition"]["model"] = str(victim / "precious")
    (copy / "study.json").write_text(json.dumps(record))
    assert read("resume", copy, monkeypatch) == 2
    assert f"would write its model to {victim / 'precious'}" in " ".join(capsys.readouterr().err.split())
    log = unsummed((copy / "log.jsonl").read_text())
    (copy / "log.jsonl").write_text(log.replace("solve-00000", "../../victim"))
    assert read("resume --trust", copy, monkeypatch) == 1
    assert "is damaged in line 2: suggested.folder" in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in victim.iterdir()] == ["precious"]
    assert (victim / "precious").read_text() == "mine"


def test_no_name_in_a_record_is_markup(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(runs["finished"], copy)
    record = json.loads((copy / "study.json").read_text())
    attack = "<script>alert(1)</script>"
    record |= {"question": attack, "command": attack, "run": attack}
    (copy / "study.json").write_text(json.dumps(record))
    assert read("report", copy, monkeypatch) == 0
    page = (copy / "report.html").read_text()
    assert "alert(1)" in page
    assert "<script>alert" not in page, "no element of its own"
    assert "alert(1)</script" not in page, "and no end of one of the page's"
