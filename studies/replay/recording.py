"""A file of recorded trainings, read once: its columns, and what it says of itself."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from optuna.distributions import BaseDistribution

from dgm_core.errors import ConfigurationError, unknown
from studies.study.space import described

METADATA = b"dgm-studies"
"""Key of the Parquet schema under which a recorded table says what it is about, as JSON."""


@dataclass(frozen=True)
class About:
    """What a table that `scripts/record` wrote says of itself: the names of columns, and the space."""

    error: str | None = None
    cost: str | None = None
    resource: str | None = None
    space: Mapping[str, BaseDistribution] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Recording:
    """The columns of a file, a row for each training; `about` is None where it says nothing of itself."""

    path: Path
    frame: pd.DataFrame
    about: About | None = None

    @classmethod
    def read(cls, path: Path) -> Recording:
        """Reads CSV or Parquet.  Raises ConfigurationError where the file is neither, or damaged, and where
        two of its columns have the same name."""
        try:
            if path.is_dir():
                raise ConfigurationError(f"{path} is a folder: a table is a file, CSV or Parquet.")
            if path.suffix == ".parquet":
                frame, about = _parquet(path)
            else:
                frame, about = _csv(path), None
        except FileNotFoundError:
            raise ConfigurationError(f"{path} cannot be read: there is no such file.") from None
        except PermissionError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
        except ConfigurationError:
            raise
        except (OSError, ValueError, pa.ArrowException, csv.Error) as error:
            kind = "Parquet" if path.suffix == ".parquet" else "CSV"
            reason = " ".join(str(error).split()).rstrip(".")
            raise ConfigurationError(f"{path} is no table in {kind}, or damaged: {reason}.") from None
        return cls(path, frame, about)

    @property
    def name(self) -> str:
        """What the table is called in sentences."""
        return self.path.stem

    def column(self, name: str) -> pd.Series[Any]:
        """A column by its name.  Raises ConfigurationError where there is none of it."""
        if name not in self.frame.columns:
            raise unknown(f"column of {self.path}", name, map(str, self.frame.columns))
        return self.frame[name]


def _parquet(path: Path) -> tuple[pd.DataFrame, About | None]:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read()
    _distinct(path, table.column_names)
    said = (table.schema.metadata or {}).get(METADATA)
    return table.to_pandas(), None if said is None else _about(path, said)


def _csv(path: Path) -> pd.DataFrame:
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = (row for row in csv.reader(file) if row)
        names, first = next(rows, []), next(rows, [])
    _distinct(path, names)
    if len(first) > len(names):  # which pandas takes for names of the rows
        raise ConfigurationError(f"in {path}, a row has more values than the first line has names.")
    return pd.read_csv(path, low_memory=False, encoding="utf-8-sig")


def _distinct(path: Path, names: list[str]) -> None:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise ConfigurationError(f"{path} has two columns that are called {twice!r}.")


def _about(path: Path, said: bytes) -> About:
    """Raises ConfigurationError where it is not what `scripts/record` writes."""
    try:
        values = json.loads(said)
        if not isinstance(values, dict):
            raise ValueError("it is no mapping")
        names = {key: values.get(key) for key in ("error", "cost", "resource")}
        for key, name in names.items():
            if not isinstance(name, str | None):
                raise ValueError(f"{key} is {name!r} and no name of a column")
        space = {key: described(drawn) for key, drawn in values.get("space", {}).items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigurationError(f"what {path} says of itself cannot be read: {error}.") from None
    return About(**names, space=space)
