"""Who runs a study: one process at a time holds a run folder.

The operating system drops the lock of a process that is gone, however it went, so that a lock is never stale;
the file beside it only says whose it is, or was.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from studies.errors import StudyError

LOCK = "lock"
OWNER = "owner.json"
"""In a copy of a run folder: the sign of life of the process that runs the study elsewhere."""
SILENT_SECONDS = 60.0
"""After which a process that gave no sign of life counts as gone."""


class HeldError(StudyError):
    """Another process holds the run; the message names it."""


@dataclass(frozen=True)
class Owner:
    """The process that holds a run: where, which, since when (seconds since the epoch), and its command."""

    process: int
    host: str
    since: float
    command: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} ({self.command})"


@contextmanager
def held(folder: Path, command: str) -> Iterator[None]:
    """Holds a run folder while the body runs.  Raises HeldError where another process does."""
    with open(folder / LOCK, "a+b") as file:
        if not _taken(file):
            raise HeldError(f"{folder} is in use by {owner(folder) or 'another process'}.")
        file.truncate(0)
        who = Owner(os.getpid(), socket.gethostname(), time.time(), command)
        file.write(json.dumps(asdict(who)).encode())
        file.flush()
        yield


def _taken(file: IO[bytes], tries: int = 5) -> bool:
    """Tries more than once: whoever asks for the `holder` has the lock for a moment."""
    for _ in range(tries):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.05)
    return False


def holder(folder: Path) -> Owner | None:
    """The process that holds a run now, here or elsewhere, of which the folder is a copy; None for none."""
    return _holder(folder) or _alive(folder / OWNER)


def sign_of_life(owner: Owner) -> bytes:
    """What a process that runs a study leaves in a copy of it, again and again."""
    return json.dumps({**asdict(owner), "beat": time.time()}).encode()


def alive(sign: bytes) -> Owner | None:
    """The process that gave a sign of life, as far as it can be told from here; None where it is gone.

    It is where the sign is older than `SILENT_SECONDS`, by the clocks of both machines, and where it was on
    this machine and has ended.
    """
    try:
        values = json.loads(sign)
        beat = float(values.pop("beat"))
        owner = Owner(**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if time.time() - beat > SILENT_SECONDS:
        return None
    return None if owner.host == socket.gethostname() and not _runs(owner.process) else owner


def _alive(path: Path) -> Owner | None:
    try:
        return alive(path.read_bytes())
    except OSError:
        return None


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _holder(folder: Path) -> Owner | None:
    try:
        with open(folder / LOCK, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return owner(folder) or Owner(0, "an unknown host", 0.0, "unknown")
            return None
    except OSError:
        return None


def owner(folder: Path) -> Owner | None:
    """The process that holds a run, or was the last to do so; None where the file does not say."""
    try:
        values = json.loads((folder / LOCK).read_text())
        return Owner(
            int(values["process"]), str(values["host"]), float(values["since"]), str(values["command"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
