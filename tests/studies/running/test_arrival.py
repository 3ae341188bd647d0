"""A search by arrival under a real Ray: killed, resumed, confirmed, and said to be what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.doubts import warnings
from analysis.settings import sampled
from studies.public import Result
from studies.records import read_study
from studies.records.events import Decided, Suggested
from tests.studies.running.killing import SEARCH, killed_and_resumed

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("own_files", "undrawn")]


def test_a_search_by_arrival_is_killed_and_resumed(tmp_path: Path) -> None:
    study = SEARCH.replace("PART", "searcher=own")
    run, before, events = killed_and_resumed(study, tmp_path, at="decided")
    assert any(isinstance(event, Suggested) for event in before)
    suggested = [event.trial for event in events if isinstance(event, Suggested) and event.phase == "search"]
    assert suggested == [f"{number:03d}" for number in range(1, 7)]
    assert any(isinstance(event, Decided) for event in events)
    record = read_study(run)
    assert record.state == "finished"
    assert record.winner is not None
    result = Result(run)
    assert "The user-defined searcher own suggested 6 trials" in sampled(result.run)
    assert any("cannot be repeated" in each for each in warnings(result.run, result.tables))
    assert "cannot be repeated" in (run / "report.html").read_text()
