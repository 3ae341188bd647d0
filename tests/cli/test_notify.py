"""`--notify CMD` calls a command when a run has ended, and changes nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dgm_cli import solve as solving
from dgm_cli.app import main
from dgm_cli.notify import notified
from dgm_core import ConfigurationError, Setup, load_problem

TELLS = """#!/bin/sh
echo "$1|$2|$DGM_STATE|$DGM_RUN" >> "{log}"
exit {code}
"""


def script(folder: Path, code: int = 0) -> Path:
    path = folder / "tell"
    path.write_text(TELLS.format(log=folder / "log", code=code))
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("undrawn")
def test_a_solve_ends_with_a_call_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = f"solve heat --iterations 10 --replicates 1 --name one --out {tmp_path}"
    command = f"'{script(tmp_path)}' now"
    monkeypatch.setattr(sys, "argv", ["dgm", *line.split(), "--set", "width=4", "--notify", command])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 0
    run = tmp_path / "solve-heat" / "one"
    assert (tmp_path / "log").read_text() == f"now|dgm: {run} is finished.|finished|{run}\n"


@pytest.mark.parametrize(
    ("raised", "state"), [(KeyboardInterrupt, "interrupted"), (RuntimeError, "failed"), (None, "failed")]
)
def test_it_is_called_however_a_run_ends_and_its_own_failure_is_a_warning(
    tmp_path: Path, raised: type[BaseException] | None, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def body() -> None:
        with notified(str(script(tmp_path, code=3))):
            if raised is not None:
                raise raised

    if raised is None:
        body()
    else:
        with pytest.raises(raised):
            body()
    assert (tmp_path / "log").read_text().split("|")[2] == state


def test_what_is_refused_is_not_notified_and_a_missing_command_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such thing"), notified(str(script(tmp_path))):
        raise ConfigurationError("no such thing")
    assert not (tmp_path / "log").exists()
    for wrong, said in (("/nowhere/tell", "there is no such command"), ("'tell", "No closing quotation")):
        with pytest.raises(ConfigurationError, match=said), notified(wrong):
            raise AssertionError


def test_a_solve_of_more_than_ten_minutes_is_said_to_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(solving.messages, "print", lambda text, **options: said.append(text))
    setup = Setup.named(load_problem("heat"))
    solving.tell_long(setup.shortened(100), 2)
    assert said == []
    solving.tell_long(setup.changed({"iterations": 10_000_000}), 2)
    assert len(said) == 1
    assert " h on one core" in said[0]
    assert "--notify CMD" in said[0]
