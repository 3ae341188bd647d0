"""A run folder from anywhere: whatever became of its files, readers answer with tables or a sentence."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dgm_cli.main import main
from dgm_core import Setup, load_problem
from studies.running.solve import solve_setup

SETUP = Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 30})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return solve_setup(SETUP, out=tmp_path_factory.mktemp("out"), replicates=2, run="one").folder


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


def killed(path: Path, choose: random.Random) -> None:
    """The last line of the log is gone: as if the process had been killed."""
    log = path.parent / "log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))


HARMS: list[Callable[[Path, random.Random], None]] = [
    truncate, flip, empty, remove, a_folder, noise, a_pickle_that_acts, killed,
]  # fmt: skip
FILES = ["study.json", "log.jsonl", "trials.parquet", "curves.parquet", "solutions.parquet", "lock"]
READERS = [["report"], ["status"], ["compare"], ["rerun", "--check"]]


@pytest.mark.parametrize("seed", range(48))
def test_no_reader_survives_a_damaged_run_badly(
    run: Path,
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    choose = random.Random(seed)
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    for _ in range(choose.randrange(1, 3)):
        path = copy / choose.choice(FILES)
        if path.is_file() and path.stat().st_size:
            choose.choice(HARMS)(path, choose)
    for reader in READERS:
        monkeypatch.setattr(sys, "argv", ["dgm", reader[0], str(copy), *reader[1:]])
        with pytest.raises(SystemExit) as ending:
            main()
        output = capsys.readouterr()
        assert ending.value.code in (0, 1, 2, None)
        assert "Traceback" not in output.err
        if ending.value.code:
            assert len(output.err.strip().splitlines()) == 1, output.err
    assert not (tmp_path / "executed").exists()
