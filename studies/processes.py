"""Processes that must not outlive whoever started them: found by a mark or by their session, and ended.

After SIGKILL of a driver Ray's agents live on for up to a minute, in which they try to tell a server of it
that is gone as well, and a worker that trains notices late.  A small process that holds the other end of a
pipe learns of the death at once: this file, run as a script, which needs psutil alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

MARK = "DGM_RAY_SESSION"
"""Variable in the environment of all that `reaped` starts, and of their children."""
_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.02
_IN_ORDER = b"in order"


def marked(name: str, value: str) -> list[psutil.Process]:
    """Those, this one apart, whose environment has a variable of that value."""
    return _where(lambda process: process.environ().get(name) == value)


def of_session(session: int) -> list[psutil.Process]:
    """Those of a session of the system's; a process's title can cover the marks that it carries."""
    return _where(lambda process: os.getsid(process.pid) == session)


def _where(wanted: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended, or is another user's
            ours = process.pid != os.getpid() and wanted(process)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                processes.append(process)
    return processes


def end(processes: Sequence[psutil.Process]) -> None:
    """Ends processes; those that do not end when they are asked to are killed."""
    for way in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                way(process)
        _, processes = psutil.wait_procs(processes, timeout=_PATIENCE_SECONDS)


def kill(find: Callable[[], Sequence[psutil.Process]]) -> None:
    """Kills all that are found, and those that they start meanwhile."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (processes := find()) and time.monotonic() < deadline:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(_LOOK_SECONDS)


def kill_session(session: int) -> None:
    """Kills all processes of a session of the system's."""
    kill(lambda: of_session(session))


def let_go(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Closes the pipe by which a process knows of its starter, and waits; kills it where it does not end."""
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=seconds)
        return
    process.kill()
    process.communicate()


@contextmanager
def reaped(lost: str, session: int | None = None) -> Iterator[None]:
    """When the body has ended, or this process has, so have all processes that were started in the body.

    session: of the system's, whose processes end then too.  lost: what is said where this process ends within
    the body, killed or as Ray ends it without its raylet.
    """
    mark = uuid.uuid4().hex
    command = [sys.executable, "-P", __file__, mark, str(session or 0), lost]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as reaper:
        os.environ[MARK] = mark
        try:
            yield
        finally:
            del os.environ[MARK]
            reaper.communicate(_IN_ORDER)  # closes the pipe, and waits


def _reap(mark: str, session: int, lost: str) -> None:
    said = sys.stdin.buffer.read()  # until whoever holds the other end lets go of it
    kill(lambda: [*marked(MARK, mark), *(of_session(session) if session else ())])
    if said != _IN_ORDER:
        with suppress(OSError):
            print(f"dgm: {lost}", file=sys.stderr)


if __name__ == "__main__":
    _reap(sys.argv[1], int(sys.argv[2]), sys.argv[3])
