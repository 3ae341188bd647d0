"""What a session started is gone as soon as the process that started it is, however it went."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from studies.processes import MARK, marked, reaped

STARTS = """
import os, subprocess, sys, time
from studies.processes import MARK, reaped

with reaped("the study was left; go on with: dgm resume RUN"):
    # As Ray's agents do, it has a session of its own and does not hear of its parent's end.
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print(os.environ[MARK], flush=True)
    time.sleep(600)
"""


def test_nothing_outlives_a_process_that_is_killed_and_the_user_is_told() -> None:
    command = [sys.executable, "-c", STARTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        mark = process.stdout.readline().strip()
        assert len(marked(MARK, mark)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        while marked(MARK, mark):
            time.sleep(0.05)
        assert process.stderr.read() == "dgm: the study was left; go on with: dgm resume RUN\n"


def test_what_a_body_leaves_is_gone_after_it(capfd: pytest.CaptureFixture[str]) -> None:
    with reaped("the study was left"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    assert child.wait() == -signal.SIGKILL
    with subprocess.Popen([sys.executable, "-c", f"import os; print({MARK!r} in os.environ)"]) as after:
        after.wait()
    assert capfd.readouterr() == ("False\n", "")
