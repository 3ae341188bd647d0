"""`dgm` in a process of its own: what it started, how it ended, and what is left of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from studies.processes import marked
from studies.records.log import LOG

PATIENCE = 600.0
_AGENT = re.compile(r"ray::\w+Agent\b")
_RAY_SESSION = re.compile(r"(/\S+/session_[\w.-]+)")
_CHANGED = """
import os, runpy, sys, time
from types import SimpleNamespace

import dgm_cli  # before NumPy, as in every command
from studies.records.log import Log
from studies.signals import asked

held_at, reports, *sys.argv[1:] = sys.argv[1:]
append = Log.append

def released():
    return asked() or os.path.exists(os.environ.get("DGM_SOAK_TRAP", ""))

def held(log, events):
    stamped = append(log, events)
    while any(held_at in event.model_dump_json() for event in stamped) and not released():
        time.sleep(0.05)
    return stamped

if held_at:
    Log.append = held
if reports == "no":
    sys.modules["analysis.report"] = SimpleNamespace(make_report=lambda run: [])
runpy.run_module("dgm_cli.main", run_name="__main__", alter_sys=True)
"""
"""`dgm` that stands still once an event with some text is in its log, until it is killed, asked to end, or
has a trap to spring (see `dev.soak.fragile`).  Or it makes no reports, which take as long as a study."""


@dataclass
class Process:
    """`dgm` with some arguments, all whose descendants can be counted.

    mark: a variable in the environment of the process and of all that it starts, Ray's processes included.
    hold: text of an event of the log, after which it does nothing more: so what then happens to it happens
    there, however fast it is (see `wait_for_event`).  Tune alone hears Ctrl-C while it runs: a trap that
    nothing springs has the process go on after one.  report: whether it makes reports at the end.
    output: where what it prints goes; `subprocess.PIPE` has `ended` leave it in `printed`.
    """

    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: f"DGM_SOAK_{os.getpid()}_{time.monotonic_ns()}")
    hold: str | None = None
    report: bool = True
    output: int = subprocess.DEVNULL
    printed: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        program = ["-m", "dgm_cli.main"]
        if self.hold is not None or not self.report:
            program = ["-c", _CHANGED, self.hold or "", "yes" if self.report else "no"]
        self.popen = subprocess.Popen(
            [sys.executable, *program, *self.arguments],
            stdout=self.output,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment, self.mark: "1", "COLUMNS": "200"},
            start_new_session=True,
        )

    def send(self, number: int) -> None:
        """Sends a signal as a terminal or a batch system does: Ctrl-C to all of its group, others to it."""
        if number == signal.SIGINT:
            os.killpg(self.popen.pid, number)
        else:
            self.popen.send_signal(number)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.popen.poll() is None

    def family(self) -> dict[int, str]:
        """Process id and command line of what it started and is alive, itself included."""
        members = {}
        for process in marked(self.mark, "1"):
            with suppress(psutil.Error):  # it has ended
                if line := " ".join(process.cmdline()):
                    members[process.pid] = line
        return members

    def named(self, program: str) -> list[int]:
        """Those of its family that run a program, or call themselves by that name."""
        return sorted(pid for pid, line in self.family().items() if line.split()[0].endswith(program))

    def workers(self) -> list[int]:
        """Ray's workers among its family; its agents are none, though they go by such a name too."""
        family = self.family().items()
        return sorted(pid for pid, line in family if line.startswith("ray::") and "Agent" not in line)

    def agents(self) -> list[int]:
        """Ray's agents, one or two on each node, whose end a raylet does not outlive."""
        return sorted(pid for pid, line in self.family().items() if _AGENT.match(line))

    def ray_sessions(self) -> set[Path]:
        """The folders in which its Ray keeps its files."""
        return {Path(path) for line in self.family().values() for path in _RAY_SESSION.findall(line)}

    def ended(self) -> tuple[int, str]:
        """Waits for its end: exit code and messages."""
        self.printed, messages = self.popen.communicate(timeout=PATIENCE)
        return self.popen.returncode, messages

    def left(self, patience: float = 120.0) -> tuple[int, float]:
        """How many processes outlive it by `patience` seconds, and for how long the last one did."""
        begun = time.monotonic()
        while (alive := len(self.family())) and time.monotonic() - begun < patience:
            time.sleep(0.25)
        return alive, time.monotonic() - begun


def wait_for_log(folder: Path, process: Process, bytes_more: int, since: int | None = None) -> bool:
    """Waits until a run's log has grown; whether it did before the process ended.

    since: its size before the process was started, where that may have written to it by now.
    """
    target = (log_size(folder) if since is None else since) + bytes_more
    deadline = time.monotonic() + PATIENCE
    while process.running and time.monotonic() < deadline:
        if log_size(folder) >= target:
            return True
        time.sleep(0.05)
    return False


def wait_for_event(folder: Path, process: Process, text: str) -> bool:
    """Waits until a run's log has an event with some text; whether it had before the process ended."""
    path = folder / LOG
    while not (path.exists() and text.encode() in path.read_bytes()):
        if not process.running:
            return False
        time.sleep(0.05)
    return True


def log_size(folder: Path) -> int:
    """Bytes in the logs of a run, or of all runs of a reproduction."""
    return sum(path.stat().st_size for path in folder.rglob(LOG))
