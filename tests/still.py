"""Runs whose files have the same bytes each time they are made: for tests that harm some of these bytes.

Otherwise such a test harms something else in each run of the tests, and fails once in a hundred of them.
"""

from __future__ import annotations

import itertools
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from studies.records import environment
from studies.running import describe
from studies.trials import meter

NOW = 1.8e9


def stand_still(patch: pytest.MonkeyPatch) -> None:
    """Clocks, process, machine and commit that do not differ from one run of the tests to the next.

    Clocks that measure how long something takes go on by a millisecond each time they are read.
    """
    for clock in ("perf_counter", "process_time"):
        ticks = itertools.count(1)
        patch.setattr(time, clock, lambda ticks=ticks: 1e-3 * next(ticks))
    patch.setattr(time, "time", lambda: NOW)
    patch.setattr(describe, "datetime", SimpleNamespace(now=lambda zone: datetime.fromtimestamp(NOW, UTC)))
    patch.setattr(os, "getpid", lambda: 4242)
    patch.setattr(socket, "gethostname", lambda: "host")
    memory = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=2**28))
    patch.setattr(meter, "psutil", SimpleNamespace(Process=lambda: memory))
    patch.setattr(environment, "commit", lambda: "0" * 40)
    machine = {"system": "Linux", "processor": "some", "cores": 2, "memory_gib": 24.0}
    patch.setattr(environment, "machine", lambda: machine)


def without_path(file: Path, folder: Path) -> None:
    """Writes a fixed path of a folder into a file of text that names where the folder is."""
    file.write_text(file.read_text().replace(str(folder), "/somewhere"))
