"""`dgm doctor` says what is missing, what to do, and whether studies can run at all."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from dgm_cli import doctor
from dgm_cli.app import main


def asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict]]:
    monkeypatch.setattr(sys, "argv", ["dgm", "doctor", "--json"])
    with pytest.raises(SystemExit) as ending:
        main()
    found = json.loads(capsys.readouterr().out)["checks"]
    return int(ending.value.code or 0), {each["check"]: each for each in found}


def test_a_machine_that_can_run_studies_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = asked(monkeypatch, capsys)
    assert code == 0, found
    assert f"torch {metadata.version('torch')}" in found["packages"]["said"]
    assert len(found) == len(doctor.CHECKS)


def test_what_is_wrong_has_a_remedy_and_only_what_stops_a_study_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("dgm_core.calculus.compiler", lambda: None)
    monkeypatch.setattr(doctor, "_LEAST_DISK", 1e9)
    code, found = asked(monkeypatch, capsys)
    assert code == 0
    assert (found["compiler"]["level"], found["disk"]["level"]) == ("warning", "warning")
    assert "gcc" in found["compiler"]["remedy"]
    monkeypatch.setattr(
        metadata, "requires", lambda name: ["torch<1", "nothing-like-it", "ray; extra == 'x'"]
    )
    code, found = asked(monkeypatch, capsys)
    assert code == 1
    said = found["packages"]["said"]
    assert f"torch {metadata.version('torch')} is none of <1" in said
    assert "nothing-like-it is missing" in said
    assert "ray" not in said


def test_a_folder_too_long_for_sockets_is_moved_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 30)))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    assert "a socket's path leaves room" in doctor.sockets().said
