"""What a study shows in a terminal, and in a pipe."""

from __future__ import annotations

import io
import math
import random
from pathlib import Path

import pytest
from rich.console import Console

from studies.records.events import Ended, Event, Paused, Resumed
from studies.records.history import History
from studies.records.log import read_log
from studies.running.describe import study_record
from studies.running.live import LiveTable
from studies.running.live.sparkline import sparkline
from studies.tune.worker_pool import WorkerPool
from tests.studies.planning.test_course import finished
from tests.studies.running.synthetic import SEARCH

RECORD = study_record(SEARCH, run="one", seed=1, quick=False, cores=2, command=None)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    folder = tmp_path_factory.mktemp("live") / "run"
    finished(folder, 2, random.Random(0))
    return read_log(folder)


def drawn(history: History, pool: WorkerPool) -> str:
    """The table as a wide terminal has it, without its colours."""
    table = LiveTable(
        RECORD, history, pool, Console(file=io.StringIO(), force_terminal=True, width=140, height=60)
    )
    said = io.StringIO()
    Console(file=said, width=140).print(table.render())
    table.close()
    return said.getvalue()


def test_a_course_is_drawn_on_a_logarithmic_scale_from_its_first_to_its_last_value() -> None:
    falling = sparkline([10.0**-k for k in range(8)])
    assert falling == "█▇▆▅▄▃▂▁"
    long = sparkline([10.0 ** (-k / 100) for k in range(800)], width=24)
    assert len(long) == 24
    assert (long[0], long[-1]) == ("█", "▁")
    assert sorted(long, reverse=True) == list(long)
    assert sparkline([1.0, math.inf, 0.1]) == "█ ▁"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([]) == ""


def test_a_terminal_shows_what_early_stopping_did_and_the_best_with_its_spread(events: list[Event]) -> None:
    history, pool = History(events), WorkerPool(2)
    text = drawn(history, pool)
    assert history.best is not None
    low, high = history.best.spread
    assert f"best so far: trial {history.best.trial}" in text
    assert f", from {low:.1e} to {high:.1e} (n = 2)" in text
    for rung, (looked, stopped) in history.rungs.items():
        assert f"{rung:,}: {stopped} of {looked}" in text
    for word in ("diverged", "trials a minute", "left:", "█"):
        assert word in text


def test_a_running_trial_shows_what_its_worker_measures(events: list[Event]) -> None:
    first = next(i for i, event in enumerate(events) if isinstance(event, Ended))
    history, pool = History(events[:first]), WorkerPool(2)
    name = next(entry.trial for entry in history.entries.values() if entry.running)
    pool.latest[name] = {
        "iterations": 33,
        "score": 0.5,
        "iterations_per_second": 123.4,
        "memory_mib": 456.7,
        "evaluation_share": 0.07,
    }
    (row,) = (line for line in drawn(history, pool).splitlines() if line.startswith(name))
    for cell in ("123", "457", "7 %", "5.00e-01"):
        assert cell in row


def test_a_trial_that_polishes_says_how_far_it_is(events: list[Event]) -> None:
    first = next(i for i, event in enumerate(events) if isinstance(event, Ended))
    history, pool = History(events[:first]), WorkerPool(2)
    name = next(entry.trial for entry in history.entries.values() if entry.running)
    pool.latest[name] = {"iterations": 33, "score": 0.5, "polish": 12, "polish_of": 1_500}
    (row,) = (line for line in drawn(history, pool).splitlines() if line.startswith(name))
    assert "polishing 12 / 1,500" in row


def test_a_paused_trial_is_shown_as_such_until_it_goes_on(events: list[Event]) -> None:
    first = next(i for i, event in enumerate(events) if isinstance(event, Ended))
    name = next(entry.trial for entry in History(events[:first]).entries.values() if entry.running)
    paused = [*events[:first], Paused(trial=name, iterations=40)]
    for told, state in ((paused, "paused"), ([*paused, Resumed(trial=name)], "running")):
        text = drawn(History(told), WorkerPool(2))
        (row,) = (line for line in text.splitlines() if line.startswith(name))
        assert state in row


def test_a_pipe_gets_a_plain_line_for_each_trial_that_ends(events: list[Event], tmp_path: Path) -> None:
    history = History()
    said = io.StringIO()
    table = LiveTable(RECORD, history, WorkerPool(2), Console(file=said, width=80))
    for event in events:
        history.fold(event)
        table.tend()
    table.close()
    lines = said.getvalue().splitlines()
    assert len(lines) == len(history.entries)
    assert "\x1b" not in said.getvalue()
    assert all("trials a minute" in line and "it/s" in line for line in lines)
