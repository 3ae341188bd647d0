"""Runs, looked after from another terminal: `dgm status`, `dgm stop`, `dgm clean`, `dgm list runs`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.soak.process import Process, wait_for_event
from dgm_cli.app import main
from dgm_core import Setup, load_problem
from studies.records import CHECKPOINTS, FIGURES, PIECES, RAY
from studies.running.solve import solve_setup

Dgm = Callable[..., tuple[int, str]]
"""Runs a command: exit code, and all that it said."""


@pytest.fixture
def dgm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dgm:
    def call(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dgm", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "400")
        with pytest.raises(SystemExit) as ending:
            main()
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        return int(ending.value.code or 0), output.out + output.err

    return call


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Process, Path]]:
    """A training that stands still for ever, and its run folder."""
    solve, place = ["solve", "heat", "--set", "width=8", "--replicates", "1"], '"event":"suggested"'
    process = Process([*solve, "--out", str(tmp_path), "--name", "one"], hold=place)
    run = tmp_path / "solve-heat" / "one"
    assert wait_for_event(run, process, place), process.ended()
    yield process, run
    if process.running:
        process.popen.kill()
        process.ended()


def test_a_run_that_is_live_is_held_named_and_stopped(live: tuple[Process, Path], dgm: Dgm) -> None:
    process, run = live
    owner = f"process {process.popen.pid} on {os.uname().nodename}"
    code, said = dgm("status", run)
    assert code == 0
    assert f"running, by {owner}" in said
    assert json.loads(dgm("status", run, "--json")[1].splitlines()[-1])["state"] == "running"
    assert "running" in dgm("list", "runs", run.parent)[1]
    for command in ("resume", "clean"):
        code, said = dgm(command, run)
        assert code == 1
        assert f"is in use by {owner} (dgm solve heat" in said
    assert dgm("report", run)[0] == 0, "a reader needs no lock"

    code, said = dgm("stop", run)
    assert code == 0
    assert f"dgm resume {run}" in said
    code, told = process.ended()
    assert code == 130
    assert f"interrupted; what was done is kept; go on with: dgm resume {run}" in told
    assert process.left()[0] == 0
    assert "interrupted" in dgm("status", run)[1]
    code, said = dgm("stop", run)
    assert (code, "is not running" in said) == (2, True)
    code, said = dgm("clean", run)
    assert (code, "finish it with dgm resume" in said) == (2, True)
    code, said = dgm("resume", run, "--dashboard")
    assert (code, "--dashboard is for searches and ablations" in said) == (2, True)


def test_a_run_that_was_cleaned_is_reported_and_trained_again(tmp_path: Path, dgm: Dgm) -> None:
    setup = Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 30})
    run = solve_setup(setup, out=tmp_path, replicates=2, run="one").folder
    for name in (CHECKPOINTS, PIECES, RAY):
        (run / name / "deep").mkdir(parents=True)
        (run / name / "deep" / "file").write_bytes(bytes(500_000))
    code, said = dgm("clean", run)
    assert (code, "1.5 MB removed" in said) == (0, True)
    assert not any((run / name).exists() for name in (CHECKPOINTS, PIECES, RAY))
    assert dgm("report", run)[0] == 0
    code, said = dgm("report", run, "--columns", "1", "--format", "svg", "--format", "pdf")
    assert (code, "1 figure written" in said) == (0, True)
    narrow = run / FIGURES / "one-column"
    assert sorted(path.suffix for path in narrow.iterdir()) == [".pdf", ".svg"]
    code, said = dgm("report", run, "--format", "eps")
    assert (code, "a figure's format is pdf, png or svg" in said) == (2, True)
    assert "equal bit for bit" in dgm("rerun", run)[1]


def test_runs_are_listed_with_those_that_cannot_be_read(tmp_path: Path, dgm: Dgm) -> None:
    setup = Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 30})
    solve_setup(setup, out=tmp_path, replicates=2, run="one")
    (tmp_path / "other" / "two").mkdir(parents=True)
    (tmp_path / "other" / "two" / "study.json").write_text("{")
    code, said = dgm("list", "runs", tmp_path)
    assert code == 0
    one, verdict = [line for line in said.splitlines() if "solve-heat/one" in line]
    assert "finished" in one
    assert "1 of 1" in one
    assert verdict.partition("solve-heat/one: ")[2].startswith(("Solved to", "No better than", "Not solved"))
    (two,) = [line for line in said.splitlines() if "other/two" in line]
    assert "unreadable" in two
    assert dgm("list", "runs", tmp_path / "nowhere")[0] == 2
