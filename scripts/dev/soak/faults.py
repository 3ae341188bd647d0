"""Faults, injected into a study that runs in a process of its own."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.soak.fragile import EXCEPTION, OUT_OF_MEMORY
from dev.soak.process import Process
from studies.records import CHECKPOINTS, CURVES, OPTUNA, STUDY, TRIALS, read_study
from studies.records.lock import LOCK
from studies.records.log import LOG

_TRAP_SECONDS = 120.0


@dataclass(frozen=True)
class Target:
    """A running study: its process, its run folder, where its problem looks for a trap, and its disk.

    disk: a small file system of its own, None where there is none to fill.
    """

    process: Process
    run: Path
    trap: Path
    disk: Path | None


Inject = Callable[[Target, random.Random], bool]
"""Harms a running study; whether there was what to harm."""


def _driver(number: signal.Signals) -> Inject:
    def inject(target: Target, choose: random.Random) -> bool:
        target.process.popen.send_signal(number)
        return target.process.running or target.process.popen.returncode != 0

    return inject


def _kill_worker(target: Target, choose: random.Random) -> bool:
    return _kill_one(target.process.workers(), choose)


def _kill_agent(target: Target, choose: random.Random) -> bool:
    return _kill_one(target.process.agents(), choose)


def _kill_raylet(target: Target, choose: random.Random) -> bool:
    return _kill_one(target.process.named("raylet/raylet"), choose)


def _kill_head(target: Target, choose: random.Random) -> bool:
    return _kill_one(target.process.named("gcs/gcs_server"), choose)


def _reboot(target: Target, choose: random.Random) -> bool:
    """As where a machine loses its power, but for what the disk had not yet written."""
    sessions = target.process.ray_sessions()
    for pid in target.process.family():
        _kill(pid)
    for session in sessions:
        shutil.rmtree(session, ignore_errors=True)
    return True


def _fill_disk(target: Target, choose: random.Random) -> bool:
    if target.disk is None:
        return False
    with open(ballast(target.disk), "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return True


def ballast(disk: Path) -> Path:
    """What fills a disk."""
    return disk / "ballast"


def trap(kind: str) -> Inject:
    """Something that happens inside the user's own code, the next time it draws points."""

    def inject(target: Target, choose: random.Random) -> bool:
        target.trap.write_text(kind)
        deadline = time.monotonic() + _TRAP_SECONDS
        while target.trap.exists() and target.process.running and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            target.trap.unlink()
        except FileNotFoundError:
            return True
        return False

    return inject


def _kill_one(pids: list[int], choose: random.Random) -> bool:
    return bool(pids) and _kill(choose.choice(pids))


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


FULL_DISK = "full disk"

ANYWHERE: dict[str, Inject] = {
    "kill -9 of the driver": _driver(signal.SIGKILL),
    "SIGTERM": _driver(signal.SIGTERM),
    "Ctrl-C": _driver(signal.SIGINT),
    "reboot": _reboot,
    FULL_DISK: _fill_disk,
    "out of memory": trap(OUT_OF_MEMORY),
    "exception": trap(EXCEPTION),
}
"""Faults of every study by name."""

UNDER_RAY: dict[str, Inject] = {
    "kill -9 of a worker": _kill_worker,
    "kill -9 of an agent": _kill_agent,
    "kill -9 of the raylet": _kill_raylet,
    "kill -9 of the GCS server": _kill_head,
}
"""Faults of those that run under Ray."""

TORN = "torn file"
"""Between two processes: a file of the run is cut short."""


def tear(run: Path, choose: random.Random) -> bool:
    """Cuts short a file that a crash, or a disk that lies, can leave so; whether there was one.

    Of the log the last line alone: what comes before it was on disk before anything acted on it.  Of a run
    that is finished neither the log nor the curves, which were on disk before its record said so.
    """
    names = [TRIALS, OPTUNA, LOCK]
    if not (run / STUDY).is_file() or read_study(run).state != "finished":
        names += [LOG, CURVES]
    files = [run / name for name in names if (run / name).is_file()]
    files += sorted((run / CHECKPOINTS).rglob("*.pt"))
    files = [path for path in files if path.stat().st_size > 1]
    if not files:
        return False
    path = choose.choice(files)
    content = path.read_bytes()
    least = content[:-1].rfind(b"\n") + 1 if path.name == LOG else 0
    path.write_bytes(content[: choose.randrange(least, len(content))])
    return True
