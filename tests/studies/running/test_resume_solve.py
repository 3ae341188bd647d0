"""Solves and reproductions, killed and resumed: nothing is lost or different, and a failure has its cause."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pandas as pd
import pytest

from dgm_cli.soak import fragile
from dgm_cli.soak.compare import differences, misplaced
from dgm_cli.soak.faults import ANYWHERE, Target
from dgm_cli.soak.process import Process
from studies.records import CHECKPOINTS, FAILURES, read_study

OWN = ["--with", str(Path(fragile.__file__)), "--replicates", "2", "--name", "run"]
SOLVE = ["solve", "fragile", "--iterations", "25000", *OWN]
REPRODUCE = ["reproduce", "--problems", "fragile,feeble", "--settings", "default", *OWN]


def ran(arguments: list[str], expected: int) -> str:
    process = Process(arguments)
    code, said = process.ended()
    assert code == expected, said
    assert "Traceback" not in said
    return said


def struck(arguments: list[str], run: Path, fault: str, trap: Path) -> tuple[int, str]:
    """Runs until there is a checkpoint of this process's, and injects a fault: exit code and messages."""
    begun = time.time()
    process = Process(arguments, {fragile.TRAP: str(trap)})
    while not any(path.stat().st_mtime > begun for path in run.rglob("checkpoint.pt")):
        assert process.running, process.ended()
        time.sleep(0.02)
    assert ANYWHERE[fault](Target(process, run, trap, None), random.Random(0))
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
    for fault, expected, state in (
        ("kill -9 of the driver", -9, "running"),
        ("SIGTERM", 130, "interrupted"),
        ("exception", 1, "failed"),
        ("out of memory", 1, "failed"),
    ):
        code, said = struck(line, run, fault, tmp_path / "trap")
        assert code == expected, said
        assert read_study(run).state == state
        line = ["resume", str(run), "--trust"]
        if state == "failed":
            assert "fragile could not be trained further" in said
            assert f"dgm resume {run}" in said
            assert "fragile.py" in (run / FAILURES / "solve-00000.txt").read_text()
    assert "keeps code of its own" in ran(["resume", str(run)], 2)
    ran(line, 0)
    assert differences(undisturbed, run) == []
    assert misplaced(run) == 0
    assert not (run / CHECKPOINTS).exists()
    assert "nothing is left to do" in ran(line, 0)


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
    record = json.loads((run / "reproduction.json").read_text())
    assert list(record["sources"]["sha256"]) == list(read_study(run / "solve-feeble/run").sources.sha256)
