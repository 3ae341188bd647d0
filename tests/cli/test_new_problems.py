"""`dgm new problem --kind`: every kind's file runs as it is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dgm_cli.app import main
from dgm_cli.new import kinds
from dgm_core import extensions

pytestmark = pytest.mark.usefixtures("own_files", "undrawn")


def dgm(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["dgm", *line.split()])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


@pytest.mark.parametrize("kind", kinds())
def test_a_file_of_each_kind_solves_its_equation(kind, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"mine-{kind}"
    assert dgm(f"new problem {name} --kind {kind}", monkeypatch) == 0
    file = tmp_path / f"mine_{kind}.py"
    assert "@" not in file.read_text().replace("@property", ""), "a placeholder is left"
    line = f"solve {file.name} --iterations 60 --replicates 2 --name a --json"
    assert dgm(line, monkeypatch) == 0, capsys.readouterr().err
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    errors = json.loads((tmp_path / "results" / f"solve-{name}" / "a" / "errors.json").read_text())
    assert outcome["problem"] == name
    assert errors, "the kind shows an error against a reference"
    extensions.unload()


def test_kinds_are_those_that_the_help_names(monkeypatch, capsys) -> None:
    assert dgm("new problem --help", monkeypatch) == 0
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert ", ".join(kinds()[:-1]) + f" or {kinds()[-1]}." in told
    assert dgm("new problem mine --kind odd", monkeypatch) == 2
    assert "box" in capsys.readouterr().err


def test_every_file_that_is_written_is_named(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert dgm("new problem mine --kind measured", monkeypatch) == 0
    assert "Written: mine.py and mine.csv. Solve it with: dgm solve mine.py" in capsys.readouterr().err


def test_a_constant_that_is_trained_is_shown_as_one(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    dgm("new problem mine --kind inverse", monkeypatch)
    assert dgm("show mine.py", monkeypatch) == 0
    told = capsys.readouterr().err
    assert "trained rate, from 0.3" in " ".join(told.split())
    assert "parameters" not in told


def test_data_beside_a_problem_are_not_overwritten(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("t,u\n0,1\n")
    assert dgm("new problem mine --kind measured", monkeypatch) == 2
    assert "mine.csv exists" in capsys.readouterr().err
    assert not (tmp_path / "mine.py").exists()
    assert (tmp_path / "mine.csv").read_text() == "t,u\n0,1\n"
