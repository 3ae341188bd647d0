"""What a worker measures of itself, by clocks that a test sets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from studies.records.events import Telemetry
from studies.trials import meter
from studies.trials.meter import Meter


def test_processor_time_is_that_of_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, processor = [0.0], [0.0]
    clocks = SimpleNamespace(perf_counter=lambda: wall[0], process_time=lambda: processor[0])
    monkeypatch.setattr(meter, "time", clocks)
    timed = Meter(100)
    for used in (1.0, 2.0):  # of four seconds each; the rest went to somebody else
        with timed.training():
            wall[0] += 4.0
            processor[0] += used
    with timed.evaluation():
        wall[0] += 2.0
        processor[0] += 2.0
    read = timed.read(140)
    assert read.processor_share == pytest.approx(3.0 / 8.0)
    assert read.evaluation_share == pytest.approx(0.2)
    assert read.iterations_per_second == pytest.approx(4.0)


def test_logs_of_before_it_was_measured_are_read() -> None:
    old = {"iterations_per_second": 1.0, "memory_mib": 2.0, "evaluation_share": 0.1}
    assert Telemetry.model_validate(old).processor_share is None
