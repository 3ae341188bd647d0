"""A recorded table: its trainings are those of the settings it says, and it is gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dev.record import _value, record
from dgm_core import Setup, load_problem, train
from dgm_core.training import median
from studies.replay import TrainingTable
from studies.study import PowersOfTwo

TINY = ["iterations=10:40", "batch_size=1:8", "depth=1:2"]


@pytest.mark.parametrize("schedule", ["cosine", "cooldown"])
def test_a_table_holds_trainings_that_can_be_repeated(schedule: str, tmp_path: Path) -> None:
    path = tmp_path / "heat.parquet"
    for most in (1, 2):
        record("heat-search", path, most=most, first=10, ranges=TINY, change=[f"schedule={schedule}"])
    table, frame = TrainingTable.read(path), pd.read_parquet(path)
    assert len(table.errors) == 2
    assert list(table.space) == ["batch_size", "learning_rate", "iterations", "depth"]
    row = int(np.argmax(table.ends))
    paper = Setup.named(load_problem("heat"), "paper")
    setup = paper.changed({"schedule": schedule, "input_scaling": "unit", "averaging": 0.99})
    settings = table.settings.iloc[row].to_dict()
    settings |= {key: int(settings[key]) for key in ("batch_size", "iterations", "depth")}
    again = train(setup.changed(settings), [10_000, 10_001, 10_002])
    assert table.errors[row] == pytest.approx(median(again.errors.score), rel=1e-4)
    assert frame.loc[row, ["seed/0", "seed/1", "seed/2"]].tolist() == pytest.approx(
        again.errors.score, rel=1e-4
    )
    if schedule == "cooldown":  # the score at a rung is that of a training which ends there
        short = train(setup.changed(settings).shortened(10), [10_000, 10_001, 10_002])
        assert table.score(row, 10) == pytest.approx(median(short.errors.score), rel=1e-4)


def test_points_of_a_sequence_cover_a_space() -> None:
    points = [0.0, 0.3, 0.5, 0.999]
    assert [_value(PowersOfTwo(1, 8), point) for point in points] == [1, 2, 4, 8]
    assert [_value(IntDistribution(1, 4), point) for point in points] == [1, 2, 2, 4]
    assert [_value(CategoricalDistribution(["a", "b"]), point) for point in points] == ["a", "a", "b", "b"]
    assert _value(FloatDistribution(1e-4, 1e-2, log=True), 0.5) == pytest.approx(1e-3)
