"""Faults, injected into a study that runs in a process of its own, and what is left of it afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from studies.records import CLOCK_COLUMNS, CURVES, DECISIONS, TRIALS
from studies.records.log import LOG

_PATIENCE = 600.0


@dataclass
class Process:
    """`dgm` with some arguments, in a session of its own so that all it starts can be counted.

    mark: a variable in the environment of the process and of all it starts, Ray's included.
    """

    arguments: list[str]
    mark: str = field(default_factory=lambda: f"DGM_SOAK_{os.getpid()}_{time.monotonic_ns()}")
    limits: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "dgm_cli.main", *self.arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, self.mark: "1", "COLUMNS": "200"},
            preexec_fn=self.limits,
        )

    def family(self) -> list[tuple[int, str]]:
        """Process id and command line of what it started and is alive, itself included."""
        return [(pid, line) for pid, line, marks in _processes() if f"{self.mark}=1" in marks]

    def ended(self) -> tuple[int, str]:
        """Waits for its end: exit code and messages."""
        _, messages = self.popen.communicate(timeout=_PATIENCE)
        return self.popen.returncode, messages

    def left(self, patience: float = 120.0) -> int:
        """How many processes outlive it by `patience` seconds."""
        deadline = time.monotonic() + patience
        while (alive := len(self.family())) and time.monotonic() < deadline:
            time.sleep(0.5)
        return alive


def _processes() -> Iterator[tuple[int, str, set[str]]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            marks = set((entry / "environ").read_bytes().decode(errors="replace").split("\0"))
        except OSError:  # it has ended, or is another user's
            continue
        if line.strip():  # not one that has ended and is not yet waited for
            yield int(entry.name), line, marks


def _kill_driver(process: Process, choose: random.Random) -> bool:
    process.popen.kill()
    return True


def _terminate(process: Process, choose: random.Random) -> bool:
    process.popen.terminate()
    return True


def _interrupt(process: Process, choose: random.Random) -> bool:
    process.popen.send_signal(signal.SIGINT)
    return True


def _kill_worker(process: Process, choose: random.Random) -> bool:
    return _kill_one(process, choose, "ray::")


def _kill_raylet(process: Process, choose: random.Random) -> bool:
    return _kill_one(process, choose, "raylet/raylet")


def _kill_head(process: Process, choose: random.Random) -> bool:
    return _kill_one(process, choose, "gcs_server")


def _kill_all(process: Process, choose: random.Random) -> bool:
    """As where a machine loses its power, but for what the disk had not yet written."""
    for pid, _ in process.family():
        _kill(pid)
    return True


def _kill_one(process: Process, choose: random.Random, name: str) -> bool:
    """Kills one of Ray's processes; whether there was one."""
    found = [pid for pid, line in process.family() if name in line and "agent" not in line.lower()]
    if found:
        _kill(choose.choice(sorted(found)))
    return bool(found)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


FAULTS: dict[str, Callable[[Process, random.Random], bool]] = {
    "kill -9 of the driver": _kill_driver,
    "kill -9 of a worker": _kill_worker,
    "kill -9 of Ray's raylet": _kill_raylet,
    "kill -9 of Ray's head": _kill_head,
    "kill -9 of everything": _kill_all,
    "SIGTERM": _terminate,
    "Ctrl-C": _interrupt,
}
"""By name: a function of the running process and a generator of choices; whether there was what to harm."""


def wait_for_log(folder: Path, process: Process, bytes_more: int) -> bool:
    """Waits until a run's log has grown; whether it did before the process ended."""
    path = folder / LOG
    target = (path.stat().st_size if path.exists() else 0) + bytes_more
    deadline = time.monotonic() + _PATIENCE
    while process.popen.poll() is None and time.monotonic() < deadline:
        if path.exists() and path.stat().st_size >= target:
            return True
        time.sleep(0.05)
    return False


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """A run's tables, without the columns that tell the time."""
    found = {}
    for name in (TRIALS, CURVES, DECISIONS):
        if (folder / name).is_file():
            table = pd.read_parquet(folder / name)
            found[name] = table.drop(columns=[column for column in CLOCK_COLUMNS if column in table])
    return found


def differences(one: Path, other: Path) -> list[str]:
    """The tables of two runs that are not the same bit for bit."""
    first, second = tables(one), tables(other)
    return [
        name
        for name in sorted({*first, *second})
        if name not in first or name not in second or not first[name].equals(second[name])
    ]
