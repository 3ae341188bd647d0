"""A study in a process of its own that is killed in the midst and gone on with."""

from __future__ import annotations

import signal
from pathlib import Path

from dev.soak.process import Process, wait_for_log
from studies.records.events import Event
from studies.records.log import read_log


def killed_and_resumed(file: Path, out: Path, run: Path, *, after: int) -> tuple[list[Event], list[Event]]:
    """The events of a run's log when it was killed, and in the end, which begin with the same.

    file: of the study.  out: folder of the results.  run: the run's own in it.  after: bytes of the log.
    """
    process = Process(["run", str(file), "--out", str(out), "--name", run.name])
    assert wait_for_log(run, process, after), process.ended()
    process.send(signal.SIGKILL)
    process.ended()
    before = read_log(run)
    code, said = Process(["resume", str(run), "--trust"]).ended()
    assert code == 0, said
    events = read_log(run)
    assert events[: len(before)] == before
    return before, events
