"""Trials that Ray Tune's BOHB scheduler pauses, under a real Ray: killed, resumed, confirmed, rerun."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.settings import sampled
from studies.public import Result
from studies.records import read_study
from studies.records.events import Paused, Resumed
from studies.running.rerun import rerun
from tests.studies.running.killing import SEARCH, killed_and_resumed

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("own_files", "undrawn")]


def test_a_search_whose_trials_are_paused_is_killed_and_resumed(tmp_path: Path) -> None:
    study = SEARCH.replace("PART", 'scheduler="bohb"')
    run, before, events = killed_and_resumed(study, tmp_path, at="paused")
    assert any(isinstance(event, Paused) for event in before)
    assert any(isinstance(event, Resumed) for event in events)
    record = read_study(run)
    assert record.state == "finished"
    assert record.winner is not None
    trials = pd.read_parquet(run / "trials.parquet").set_index("trial")
    assert list(trials["status"][:6].isin(["completed", "stopped"])) == [True] * 6
    stopped = trials[trials["status"] == "stopped"]
    assert len(stopped)
    assert set(stopped["iterations"]) <= {60, 120, 180}
    verdicts, _ = rerun(run)  # paused or not, a training comes to the same bits
    assert [(verdict.trial, verdict.words) for verdict in verdicts if not verdict.equal] == []
    assert "scheduler bohb" in sampled(Result(run).run)
    assert "cannot be repeated" in (run / "report.html").read_text()
