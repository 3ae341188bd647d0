"""A recorded table: its trainings are those of the settings it says, and it is gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dev.record import _value, record
from dgm_core import ConfigurationError, Setup, load_problem, train
from dgm_core.training import median
from studies.replay import TrainingTable
from studies.replay.recording import METADATA
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


def test_a_table_goes_on_where_settings_are_new_since_and_not_with_another_base(tmp_path: Path) -> None:
    path = tmp_path / "heat.parquet"
    record("heat-search", path, most=1, first=10, ranges=TINY)
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[METADATA])
    del about["base"]["harmonics"]  # a table of a version without that setting
    pq.write_table(table.replace_schema_metadata({METADATA: json.dumps(about)}), path)
    record("heat-search", path, most=2, first=10, ranges=TINY)
    assert len(pd.read_parquet(path)) == 2
    with pytest.raises(ConfigurationError, match=r"averaging = 0\.99, and not 0\.9\."):
        record("heat-search", path, most=3, first=10, ranges=TINY, change=["averaging=0.9"])


def test_points_of_a_sequence_cover_a_space() -> None:
    points = [0.0, 0.3, 0.5, 0.999]
    assert [_value(PowersOfTwo(1, 8), point) for point in points] == [1, 2, 4, 8]
    assert [_value(IntDistribution(1, 4), point) for point in points] == [1, 2, 2, 4]
    assert [_value(CategoricalDistribution(["a", "b"]), point) for point in points] == ["a", "a", "b", "b"]
    assert _value(FloatDistribution(1e-4, 1e-2, log=True), 0.5) == pytest.approx(1e-3)
