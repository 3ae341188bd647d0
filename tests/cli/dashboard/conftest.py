"""A run to look at, made without training, and a dashboard on it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.soak.process import Process
from studies.records.files import write_study
from studies.records.history import read_history
from studies.records.rebuild import write_tables
from studies.running.describe import study_record
from tests.studies.planning.test_course import finished
from tests.studies.running.synthetic import SEARCH

HOSTILE = "<script>document.title = 'taken'</script>"


def made_run(folder: Path) -> Path:
    """A finished search whose trials are made up, and whose question is a stranger's."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    finished(folder, 2, random.Random(0))
    record = study_record(SEARCH, run=folder.name, seed=1, quick=False, cores=2, command=None)
    record.question, record.terms = HOSTILE, ["a", "b", "c", "d"]
    record.state, record.seconds = "finished", 60.0
    write_tables(folder, read_history(folder), record)
    write_study(folder, record)
    return folder


@dataclass
class Dashboard:
    """A running `dgm dashboard` and the addresses that it printed."""

    process: Process
    said: list[str]

    @property
    def addresses(self) -> dict[str, str]:
        """Tool -> its address."""
        found = (re.fullmatch(r"(.*): (http://\S+)", line) for line in self.said)
        return {match[1]: match[2] for match in found if match}


def opened(*arguments: str | Path) -> Dashboard:
    """Starts a dashboard and waits until all of it answers."""
    process = Process(["dashboard", *map(str, arguments)])
    assert process.popen.stderr is not None
    said = []
    for line in process.popen.stderr:
        said.append(line.strip())
        if line.startswith("Ctrl-C"):
            return Dashboard(process, said)
    raise AssertionError("\n".join(said))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run(tmp_path_factory.mktemp("results") / SEARCH.name / "one")


@pytest.fixture(scope="module")
def dashboard(run: Path) -> Iterator[Dashboard]:
    found = opened(run)
    yield found
    if found.process.popen.poll() is None:
        found.process.popen.kill()
        found.process.ended()
