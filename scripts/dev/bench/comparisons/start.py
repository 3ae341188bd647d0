"""How soon a study says something: from the command to its first result."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dev.bench.comparison import Case, Comparison, Peer
from dgm_cli.cluster.nodes import SCRIPTS
from studies.errors import StudyError
from studies.records.events import Reported
from studies.records.log import read_log

STUDY = "decay-search"
_LOOK_SECONDS = 0.02


def cases() -> Iterator[Case]:
    """A short study, and what no study can do without."""
    yield Case(
        "caches warm, all cores",
        (
            Peer("a process that imports torch and ray.tune, and ends", lambda: _imports, warm_up=1),
            Peer(f"dgm run {STUDY} --quick, to its first result", lambda: _first_result, warm_up=1),
        ),
    )


def _imports(times: int) -> None:
    for _ in range(times):
        subprocess.run([sys.executable, "-c", "import torch, ray.tune"], check=True)


def _first_result(times: int) -> None:
    for _ in range(times):
        # What writes there may live a moment longer than the study that is killed.
        with tempfile.TemporaryDirectory(prefix="dgm-bench-", ignore_cleanup_errors=True) as folder:
            line = [str(SCRIPTS / "dgm"), "run", STUDY, "--quick", "--out", folder, "--name", "a"]
            with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as study:
                run = Path(folder) / STUDY / "a"
                while not any(isinstance(event, Reported) for event in read_log(run)):
                    if study.poll() is not None:
                        raise StudyError(f"dgm run {STUDY} --quick ended without a result.")
                    time.sleep(_LOOK_SECONDS)
                study.kill()


START = Comparison("start", "from a command to a study's first result, by the clock on the wall", "ms", cases)
