"""What a score is called where it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.report import make_report
from analysis.words import relabelled, worded
from studies import records


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("mae", "The median MAE and the errors of 3 seeds."),
        ("rel_l2", "The median relative L² error and the errors of 3 seeds."),
        ("residual", "The median residual and the residuals of 3 seeds."),
    ],
)
def test_a_sentence_names_the_score(metric: str, expected: str) -> None:
    assert worded("The median MAE and the errors of 3 seeds.", metric) == expected


def test_a_table_keeps_one_column_of_each_name() -> None:
    table = pd.DataFrame({"mae": [1.0], "mae_low": [0.5], "mae_high": [2.0], "rel_l2": [1.0], "n": [3]})
    assert list(relabelled(table, "mae")) == list(table)
    assert list(relabelled(table, "rel_l2")) == ["rel_l2", "rel_l2_low", "rel_l2_high", "n"]
    assert list(relabelled(table, "residual")) == ["residual", "residual_low", "residual_high", "n"]


@pytest.mark.parametrize("kind", ["search", "batch-size"])
def test_without_a_reference_no_table_says_error(kind: str, copied: Callable[[str], Path]) -> None:
    folder = copied(kind)
    path = folder / records.STUDY
    path.write_text(json.dumps({**json.loads(path.read_text()), "metric": "residual"}))
    trials = pd.read_parquet(folder / records.TRIALS)
    trials["residual"] = trials["mae"]
    trials = trials.assign(mae=None, rel_l2=None, max_error=None, mae_batch_statistics=None)
    records.write_table(folder, records.TRIALS, records.typed(trials, records.TRIAL_COLUMNS))
    solutions = pd.read_parquet(folder / records.SOLUTIONS)
    kept = [name for name in solutions if not name.startswith("reference_")]
    records.write_table(folder, records.SOLUTIONS, solutions[kept])
    make_report(folder)
    tables = sorted((folder / records.TABLES).glob("*.*"))
    assert any("residual" in table.read_text() for table in tables)
    for table in tables:
        text = table.read_text().replace("RuntimeError", "").lower()
        assert "error" not in text, table
        assert "mae" not in text, table
