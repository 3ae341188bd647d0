"""A worker that hangs ends, and leaves word of where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAD = "import re, sys, threading\nfrom pathlib import Path\nfrom studies.trials.watchdog import Watchdog\n"

HOLDS_THE_LOCK = """
def endless():
    re.match("(a+)+b", 60 * "a")  # C code that never lets go of the interpreter

with Watchdog(0.2, Path(sys.argv[1])).watching():
    endless()
"""

IN_ORDER = """
watchdog = Watchdog(3.0, Path(sys.argv[1]))  # more than a busy machine keeps a process waiting
with watchdog.watching():
    with watchdog.asleep():
        threading.Event().wait(3.2)
print("ended")
"""


def test_what_hangs_in_c_code_is_ended_too_and_named(tmp_path: Path) -> None:
    trace = tmp_path / "ray" / "hung.txt"
    done = subprocess.run(
        [sys.executable, "-c", HEAD + HOLDS_THE_LOCK, trace], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert "in endless" in trace.read_text()


def test_who_waits_for_others_does_not_hang_and_who_ends_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HEAD + IN_ORDER, tmp_path / "hung.txt"], capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"ended\n")
    assert not (tmp_path / "hung.txt").exists()
