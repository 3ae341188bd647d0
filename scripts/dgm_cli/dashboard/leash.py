"""Programs in processes of their own, which end with whoever started them.

`python -m dgm_cli.dashboard.leash -m MODULE [ARGUMENT …]` runs a module as `python -m` would, and
`… leash PROGRAM [ARGUMENT …]` any program.  Its standard input is a pipe that its parent holds open: however
the parent ends, `kill -9` included, the system closes the pipe, and the process ends.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
from pathlib import Path

from studies.processes import let_go

_STOP_SECONDS = 5.0


def leashed(line: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Starts `-m MODULE …` or `PROGRAM …`; what it says goes to a file."""
    command = [sys.executable, "-m", "dgm_cli.dashboard.leash", *line]
    with open(log, "wb") as said:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a leashed process, and waits until it has."""
    let_go(process, _STOP_SECONDS)


def last_line(log: Path) -> str:
    """What a leashed process said last."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _main() -> None:
    # Ctrl-C in the terminal reaches this process too; the parent decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = sys.argv[1:]
    if line[0] == "-m":
        threading.Thread(target=_watch, args=(None,), daemon=True).start()
        sys.argv = line[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    program = subprocess.Popen(line, stdin=subprocess.DEVNULL)
    threading.Thread(target=_watch, args=(program,), daemon=True).start()
    sys.exit(program.wait())


def _watch(program: subprocess.Popen[bytes] | None) -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written: this returns when the pipe is closed
    if program is not None:
        program.kill()
        program.wait()
    os._exit(0)


if __name__ == "__main__":
    _main()
