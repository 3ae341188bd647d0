"""Reads and writes a run's records: each file whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from studies.records.schema import STUDY, StudyRecord


def write_study(folder: Path, record: StudyRecord) -> None:
    """Writes study.json in one step."""
    path = folder / STUDY
    partial = path.with_suffix(".partial")
    partial.write_text(record.model_dump_json(indent=2) + "\n")
    os.replace(partial, path)


def read_study(folder: Path) -> StudyRecord:
    """Reads study.json.  Raises FileNotFoundError where the folder holds no run."""
    return StudyRecord.model_validate(json.loads((folder / STUDY).read_text()))


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Writes a Parquet file in one step."""
    path = folder / name
    partial = path.with_suffix(".partial")
    table.to_parquet(partial, index=False, compression="zstd")
    os.replace(partial, path)


def typed(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The table with the given columns first, in order and of their types; others follow."""
    absent = {name: pd.Series(pd.NA, index=table.index) for name in columns if name not in table}
    table = table.assign(**absent)
    rest = [name for name in table.columns if name not in columns]
    return table[[*columns, *rest]].astype(dict(columns))
