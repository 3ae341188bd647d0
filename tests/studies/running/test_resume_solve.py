"""Solves and reproductions, killed and resumed: nothing is lost or different, and a failure has its cause."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pandas as pd
import pytest

from dev.soak import faults, fragile
from dev.soak.compare import differences, misplaced
from dev.soak.faults import Target
from dev.soak.process import Process, log_size, wait_for_event, wait_for_log
from studies.records import CHECKPOINTS, FAILURES, TRIALS, read_study

OWN = ["--with", str(Path(fragile.__file__)), "--replicates", "2", "--name", "run"]
SOLVE = ["solve", "fragile", "--iterations", "600", *OWN]
REPRODUCE = ["reproduce", "--problems", "fragile,feeble", "--settings", "default", "--quick", *OWN]
BEGAN = '"event":"began"'


def ran(arguments: list[str], expected: int, *, report: bool = False) -> str:
    process = Process(arguments, report=report)
    code, said = process.ended()
    assert code == expected, said
    assert "Traceback" not in said
    return said


def struck(arguments: list[str], run: Path, fault: str, trap: Path, at: str = BEGAN) -> tuple[int, str]:
    """Injects a fault into a training that has just begun, where it stands still: exit code and messages."""
    before = log_size(run)
    process = Process(arguments, {fragile.TRAP: str(trap)}, hold=at, report=False)
    target = Target(process, run, trap, None)
    if at == BEGAN:  # as the runs that this one goes on from
        assert wait_for_log(run, process, 1, since=before), process.ended()
    else:
        assert wait_for_event(run, process, at), process.ended()
    if fault == "SIGTERM":  # in the midst of an iteration
        assert faults.trap(fragile.STANDSTILL)(target, random.Random(0))
    assert faults.ANYWHERE[fault](target, random.Random(0))
    code, said = process.ended()
    assert "Traceback" not in said
    assert process.left()[0] == 0
    return code, said


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    ran([*SOLVE, "--out", str(out)], 0)
    return out / "solve-fragile" / "run"


def test_a_solve_goes_on_after_each_of_its_ends_as_if_there_had_been_none(
    undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "solve-fragile" / "run"
    line = [*SOLVE, "--out", str(tmp_path)]
    for fault, expected in (
        ("exception", 1),
        ("kill -9 of the driver", -9),
        ("SIGTERM", 130),
        ("out of memory", 1),
    ):
        code, said = struck(line, run, fault, tmp_path / "trap")
        assert code == expected, said
        line = ["resume", str(run), "--trust"]
        if expected == 1:
            assert read_study(run).state == "failed"
            assert "fragile could not be trained further" in said
            assert f"dgm resume {run}" in said
            assert "fragile.py" in (run / FAILURES / "solve-00000.txt").read_text()
    ran(line, 0)
    assert differences(undisturbed, run) == []
    assert misplaced(run) == 0
    assert not (run / CHECKPOINTS).exists()
    trials = (run / TRIALS).read_bytes()
    (run / TRIALS).write_bytes(trials[: len(trials) // 2])
    assert "nothing is left to train" in ran(line, 0, report=True)
    assert (run / "report.html").is_file()
    assert differences(undisturbed, run) == []


def test_a_reproduction_goes_on_with_the_problem_it_was_at(tmp_path: Path) -> None:
    ran([*REPRODUCE, "--out", str(tmp_path / "whole")], 0)
    whole, run = (tmp_path / place / "reproduce" / "run" for place in ("whole", "killed"))
    line = [*REPRODUCE, "--out", str(tmp_path / "killed")]
    struck(line, run, "kill -9 of the driver", tmp_path / "trap")
    assert not (run / "table.csv").exists()
    ran(["resume", str(run), "--trust"], 0)
    assert differences(whole, run) == []
    before, after = (pd.read_csv(folder / "table.csv").drop(columns="seconds") for folder in (whole, run))
    assert list(after["problem"]) == ["fragile", "feeble"]
    pd.testing.assert_frame_equal(before, after)
    kept = json.loads((run / "reproduction.json").read_text())["sources"]["sha256"]
    assert list(kept.values()) == list(read_study(run / "solve-feeble/run").sources.sha256.values())
