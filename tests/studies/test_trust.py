"""What a run folder would run is trusted where this user made it here, and as it was made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studies.records import SOURCES
from studies.trust import remember, remembered

MAIN = ("0-mine/rod.py",)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / SOURCES / "0-mine"
    folder.mkdir(parents=True)
    (folder / "rod.py").write_text("LENGTH = 1\n")
    (folder / "values.csv").write_text("x\n1\n")
    remember(tmp_path / "run", MAIN)
    return tmp_path / "run"


def test_a_run_that_was_made_here_is_known_wherever_it_lies(run: Path) -> None:
    assert remembered(run, MAIN)
    moved = run.rename(run.with_name("moved"))
    assert remembered(moved, MAIN)


@pytest.mark.parametrize("change", ["code", "data", "compiled", "another", "main", "writes", "unmade"])
def test_anything_else_is_asked_for(run: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    folder, main, writes = run / SOURCES / "0-mine", MAIN, None
    if change == "code":
        (folder / "rod.py").write_text("LENGTH = 2\n")
    elif change == "data":
        (folder / "values.csv").write_text("x\n2\n")
    elif change == "compiled":
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "rod.cpython-311.pyc").write_bytes(b"code")
    elif change == "another":
        (folder / "torch.py").write_text("")
    elif change == "main":
        main = ("0-mine/values.csv",)
    elif change == "writes":
        writes = "/home/somebody/.profile"
    else:
        monkeypatch.setenv("XDG_STATE_HOME", str(run / "elsewhere"))
    assert not remembered(run, main, writes)


def test_marks_that_others_can_write_count_for_nothing(run: Path) -> None:
    home = Path(os.environ["XDG_STATE_HOME"]) / "dgm-studies" / "made-here"
    (mark,) = [path for path in home.iterdir() if remembered(run, MAIN) and path.stat().st_size == 0][-1:]
    assert home.stat().st_mode & 0o077 == 0
    home.chmod(0o777)
    try:
        assert not remembered(run, MAIN)
    finally:
        home.chmod(0o700)
    assert remembered(run, MAIN)
    assert mark.stat().st_mode & 0o077 == 0


def test_no_mark_can_be_left_is_no_error(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = run / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    remember(run, MAIN)
    assert not remembered(run, MAIN)
