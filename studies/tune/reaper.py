"""Ends what is left of a Ray session as soon as the process that started it is gone, however it went.

After SIGKILL of the driver Ray's agents live on for up to a minute, in which they try to tell a server of it
that is gone as well, and a worker that trains notices late.  A small process that holds the other end of a
pipe learns of the death at once.  It needs Linux, whose /proc shows the environment of a process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "DGM_RAY_SESSION"
"""Variable in the environment of all that a session starts, and of their children."""
_PATIENCE_SECONDS = 10.0
_IN_ORDER = b"in order"


@contextmanager
def reaped(lost: str, session: int | None = None) -> Iterator[None]:
    """When the body has ended, or this process has, so have all processes that were started in the body.

    session: of the system's, whose processes end then too.  lost: what is said where this process ends within
    the body, killed or as Ray ends it without its raylet.
    """
    if not Path("/proc/self/environ").exists():
        yield
        return
    mark = uuid.uuid4().hex
    command = [sys.executable, "-I", "-S", __file__, mark, str(session or 0), lost]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as reaper:
        os.environ[MARK] = mark
        try:
            yield
        finally:
            del os.environ[MARK]
            reaper.communicate(_IN_ORDER)  # closes the pipe, and waits


def marked(mark: str) -> Iterator[int]:
    """Ids of the processes that carry a mark."""
    wanted = f"{MARK}={mark}".encode()
    for process in _processes():
        with suppress(OSError):  # it has ended, or is another user's
            if wanted in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
                yield process


def of_session(session: int) -> Iterator[int]:
    """Ids of the processes of a session of the system's; a process's title can cover the marks it carries."""
    for process in _processes():
        with suppress(OSError):
            if os.getsid(process) == session and not _ended(process):
                yield process


def end_session(session: int) -> None:
    """Kills all processes of a session, and those that they start meanwhile."""
    _kill(lambda: of_session(session))


def reap(mark: str, session: int) -> None:
    """Kills all that carry a mark and all of a session (0: of none), and those that they start meanwhile."""
    _kill(lambda: {*marked(mark), *(of_session(session) if session else ())})


def _kill(found: Callable[[], Iterable[int]]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (processes := list(found())) and time.monotonic() < deadline:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def _processes() -> Iterator[int]:
    """Ids of all but this one."""
    with suppress(FileNotFoundError):  # no Linux
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                yield int(entry.name)


def _ended(process: int) -> bool:
    """Whether only its parent's word is awaited."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


if __name__ == "__main__":
    said = sys.stdin.buffer.read()  # until whoever holds the other end lets go of it
    reap(sys.argv[1], int(sys.argv[2]))
    if said != _IN_ORDER:
        with suppress(OSError):
            print(f"dgm: {sys.argv[3]}", file=sys.stderr)
