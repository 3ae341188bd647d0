"""What a user can get wrong: one sentence, exit code 2, nothing left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dgm_cli.app import main


def refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["dgm", *arguments])
    with pytest.raises(SystemExit) as ending:
        main()
    output = capsys.readouterr()
    assert ending.value.code == 2, output.err
    assert output.out == ""
    assert "Traceback" not in output.err
    assert len(output.err.strip().splitlines()) == 1, output.err
    return output.err


CASES = {
    "run heat-serch": "unknown study 'heat-serch'",
    "run heat-search --trials 0": "--trials 0 is not allowed",
    "run heat-search --trials two": "Invalid value for '--trials'",
    "run heat-search --replicates 0": "--replicates 0 is not allowed",
    "run heat-search --seed -1": "--seed -1 is not allowed",
    "run heat-search --cores 0": "--cores 0 is not allowed",
    "run heat-search --set learning_rate=-1": "learning_rate = -1 is not allowed: input should",
    "run heat-search --set batch_size=1.5": "batch_size = 1.5 is not allowed: input should",
    "run heat-search --set batch_size=big": "batch_size = 'big' is not allowed",
    "run heat-search --set activation=tan": "unknown activation 'tan'",
    "run heat-search --set problem.diffusivity=0": "problem.diffusivity = 0 is not allowed",
    "run heat-search --set lr=1": "unknown key 'lr'",
    "run heat-search --set learning_rate": "write key=value",
    "run heat-search --set depth=1 --set depth=2": "--set depth is given twice",
    "run heat-search --arms 1": "--arms is for ablations",
    "run heat-search --name a/b": "'a/b' is not allowed as a run's name",
    "new problem " + "x" * 300: "a name of 300 letters is not allowed: use 80 or fewer.",
    "run heat-search --bogus": "No such option: --bogus",
    "run heat-search --address ray://127.0.0.1:1": "--storage is needed",
    "run heat-search --address ray://127.0.0.1:1 --storage s3://a/b": "no Ray client server answers at",
    "submit heat-search --address 127.0.0.1:1 --storage s3://a/b": "write http://HEAD:8265 or ray://",
    "run heat-batch-size --trials 3": "--trials is for searches",
    "run heat-batch-size --arms 3": "unknown arm of heat-batch-size '3'",
    "run heat-batch-size --set batch_size=2": "batch_size is what heat-batch-size varies",
    "run heat-batch-size --iterations 0": "--iterations 0 is not allowed",
    "run heat-learning-rate --tuned-rate": "varies the learning rate",
    "solve heet": "unknown problem 'heet'",
    "solve heat --settings best": "unknown settings of heat 'best'",
    "solve heat --set depth=0": "depth = 0 is not allowed",
    "solve heat --iterations 0": "iterations = 0 is not allowed",
    "solve heat --replicates 0": "--replicates 0 is not allowed",
    "solve heat --save-model nowhere/heat.pt": "there is no folder",
    "run heat-search --address nowhere": "no Ray cluster answers at --address nowhere",
    "run heat": "'heat' is a problem: dgm solve heat.",
    "solve heat-search": "'heat-search' is a study: dgm run heat-search.",
    "solve heat-serch": "Did you mean the study (dgm run heat-search)?",
    "show wave-search": "Did you mean 'wave-second-order-search'? `dgm list` lists all",
    "solv heat": "unknown command 'solv'. Did you mean 'solve'? `dgm --help` lists all",
    "show": "Missing argument 'NAME': `dgm show --help` shows what it takes.",
    "solve heat --seed 99999999999999999999": "--seed 99999999999999999999 is not allowed: it must be",
    "solve heat --replicates 2501": "--replicates 2501 is not allowed: it must be 2500 or less.",
    "solve heat --set milestones=3": "milestones = 3 is not allowed: input should be a list, such as [1, 2]",
    "solve heat --set depth=two": "depth = 'two' is not allowed: input should be a whole number",
    "list studys": "Did you mean 'studies'?",
    "check heet": "unknown study or problem 'heet'",
    "run heat-batch-size --arms 1,3": "unknown arm of heat-batch-size '3'",
    "run heat-batch-norm --arms a,b": "separate arms by semicolons, as",
    "report nowhere": "nowhere",
    "compare nowhere": "nowhere",
    "rerun nowhere": "nowhere is not a run",
    "reproduce --problems heet": "unknown problem 'heet'",
    "reproduce --settings best": "no problem has settings called 'best'",
}


@pytest.mark.parametrize("line", ["--version", "list networks", "doctor --json"])
def test_a_reader_that_has_gone_ends_it_without_a_word(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dgm", *line.split()])
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        with pytest.raises(SystemExit) as ending:
            main()
    assert ending.value.code == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("line", CASES)
def test_bad_input_is_one_sentence(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CASES[line] in refused(line.split(), monkeypatch, capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    for command in ("run heat-search", "solve heat"):
        message = refused([*command.split(), "--out", str(blocked)], monkeypatch, capsys)
        assert str(blocked) in message
        assert "cannot be written" in message
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
