"""A study in a process of its own that is killed in the midst and gone on with."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from dev.soak.process import Process
from studies.records.events import Event
from studies.records.log import read_log


def killed_and_resumed(file: Path, out: Path, run: Path, *, at: str) -> tuple[list[Event], list[Event]]:
    """The events of a run's log when it was killed, and in the end, which begin with the same.

    file: of the study.  out: folder of the results.  run: the run's own in it.  at: the kind of event that
    it is killed at, the first that is in its log.
    """
    process = Process(["run", str(file), "--out", str(out), "--name", run.name], hold=at)
    while not any(event.event == at for event in read_log(run)):
        assert process.running, process.ended()
        time.sleep(0.05)
    process.send(signal.SIGKILL)
    process.ended()
    before = read_log(run)
    code, said = Process(["resume", str(run), "--trust"]).ended()
    assert code == 0, said
    events = read_log(run)
    assert events[: len(before)] == before
    return before, events
