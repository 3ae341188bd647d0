"""A search by arrival under a real Ray: killed, resumed, confirmed, and said to be what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.doubts import warnings
from analysis.settings import sampled
from studies.public import Result
from studies.records import read_study
from studies.records.events import Decided, Suggested
from tests.studies.running.killing import killed_and_resumed

pytestmark = pytest.mark.ray

STUDY = """
from optuna.distributions import FloatDistribution
from ray.tune.search.optuna import OptunaSearch

from dgm_core import Setup, load_problem
from studies import Search

def own():
    return OptunaSearch()

STUDY = Search(
    name="by-arrival",
    base=Setup.named(load_problem("heat")).changed({"width": 8, "batch_size": 8, "iterations": 300}),
    space={"learning_rate": FloatDistribution(1e-5, 1e-1, log=True)},
    trials=6, replicates=1, confirmations=2, grace_period=60, reduction_factor=2,
    order="arrival", searcher=own,
)
"""


def test_a_search_by_arrival_is_killed_and_resumed(tmp_path: Path) -> None:
    file = tmp_path / "by_arrival.py"
    file.write_text(STUDY)
    run = tmp_path / "by-arrival/run"
    before, events = killed_and_resumed(file, tmp_path, run, at="decided")
    assert any(isinstance(event, Suggested) for event in before)
    suggested = [event.trial for event in events if isinstance(event, Suggested) and event.phase == "search"]
    assert suggested == [f"{number:03d}" for number in range(1, 7)]
    assert any(isinstance(event, Decided) for event in events)
    record = read_study(run)
    assert record.state == "finished"
    assert record.winner is not None
    result = Result(run)
    assert "Ray Tune's searcher own suggested 6 trials" in sampled(result.run)
    assert any("cannot be repeated" in each for each in warnings(result.run, result.tables))
    assert "cannot be repeated" in (run / "report.html").read_text()
