"""A study in a process of its own that is killed in the midst and gone on with."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from dev.soak.process import Process, wait_for_event
from dgm_cli.app import main
from studies.records.events import Event
from studies.records.log import read_log

SEARCH = """
from optuna.distributions import FloatDistribution
from ray.tune.search.optuna import OptunaSearch

from dgm_core import Setup, load_problem
from studies import Search

def own():
    return OptunaSearch()

STUDY = Search(
    name="by-arrival",
    base=Setup.named(load_problem("heat")).changed({"width": 8, "batch_size": 8, "iterations": 240}),
    space={"learning_rate": FloatDistribution(1e-4, 1e-1, log=True)},
    trials=6, replicates=1, confirmations=2, grace_period=60, reduction_factor=2,
    order="arrival", workers=2, PART,
)
"""
"""A study's file; PART: a scheduler or a searcher of Ray Tune's."""


def dgm(*arguments: str) -> int:
    """A command in this process, which has imported what it needs: its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["dgm", *arguments])
        with pytest.raises(SystemExit) as ending:
            main()
    return int(ending.value.code or 0)


def killed_and_resumed(study: str, out: Path, *, at: str) -> tuple[Path, list[Event], list[Event]]:
    """The folder of a run, and the events of its log when it was killed, and in the end, which begin with the
    same.

    study: the text of its file.  out: folder of the results.  at: the kind of event that it is killed at, the
    first that is in its log.
    """
    file = out / "study" / "asked.py"
    file.parent.mkdir()
    file.write_text(study)
    run = out / re.findall(r'name="(.*)"', study)[0] / "run"
    place = f'"event":"{at}"'
    process = Process(["run", str(file), "--out", str(out), "--name", run.name], hold=place, report=False)
    assert wait_for_event(run, process, place), process.ended()
    process.send(signal.SIGKILL)
    process.ended()
    before = read_log(run)
    assert dgm("resume", str(run), "--trust") == 0
    events = read_log(run)
    assert events[: len(before)] == before
    return run, before, events
