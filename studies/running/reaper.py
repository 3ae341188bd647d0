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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "DGM_RAY_SESSION"
"""Variable in the environment of all that a session starts, and of their children."""
_PATIENCE_SECONDS = 10.0
_IN_ORDER = b"in order"


@contextmanager
def reaped(lost: str, mark: str | None = None) -> Iterator[None]:
    """When the body has ended, or this process has, so have all processes that were started in the body.

    mark: that of others that end then too.  lost: what is said where this process ends within the body,
    killed or as Ray ends it without its raylet.
    """
    if not Path("/proc/self/environ").exists():
        yield
        return
    mark = mark or uuid.uuid4().hex
    command = [sys.executable, "-I", "-S", __file__, mark, lost]
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
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended, or is another user's
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)


def reap(mark: str) -> None:
    """Kills all that carry a mark, and those that they start meanwhile."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (pids := list(marked(mark))) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


if __name__ == "__main__":
    said = sys.stdin.buffer.read()  # until whoever holds the other end lets go of it
    reap(sys.argv[1])
    if said != _IN_ORDER:
        with suppress(OSError):
            print(f"dgm: {sys.argv[2]}", file=sys.stderr)
