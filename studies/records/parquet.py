"""Reads the Parquet files of a run: a table, or one sentence that names the damaged file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studies.errors import StudyError
from studies.records.files import typed

_DAMAGE = (
    pa.ArrowException,
    OSError,
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,  # UnicodeDecodeError too
)
"""What pyarrow and pandas raise over wrong bytes, depending on where these stand."""


class DamagedTableError(StudyError):
    """A Parquet file that cannot be read; the message is one sentence that names it."""


def read_table(
    path: Path,
    expected: Mapping[str, str] | None = None,
    *,
    columns: Sequence[str] | None = None,
    rows: pc.Expression | None = None,
) -> pd.DataFrame:
    """A Parquet file as a data frame, its checksums verified where it has them.

    expected: column -> type, of columns that have to be there and hold such values.  columns: those to read,
    by default all.  rows: which to keep, by default all.  Raises DamagedTableError where the file cannot be
    read or is no such table; a file that is missing is one, too.
    """
    try:
        with _opened(path) as file:
            table = pq.read_table(
                file,
                columns=None if columns is None else list(columns),
                filters=rows,
                page_checksum_verification=True,
            )
            frame: pd.DataFrame = table.to_pandas()
        wanted = [*(columns or ()), *(expected or ())]
        missing = [column for column in wanted if column not in frame]
        if not missing and expected:
            typed(frame, expected)
    except _DAMAGE as error:
        lines = str(error).strip().splitlines()
        raise DamagedTableError(f"{path} is damaged: {(lines or [type(error).__name__])[0]}") from None
    if missing:
        raise DamagedTableError(f"{path} is damaged: it lacks the column {missing[0]!r}.")
    return frame


def column_names(path: Path) -> list[str]:
    """Those of a Parquet file; none where it is missing or damaged."""
    try:
        return list(pq.read_schema(path).names)
    except _DAMAGE:
        return []


def whole(path: Path) -> bool:
    """Whether a Parquet file is there and every page of it can be read."""
    try:
        with _opened(path) as file:
            reader = pq.ParquetFile(file, page_checksum_verification=True)
            for _ in reader.iter_batches():
                pass
    except _DAMAGE:
        return False
    return True


def _opened(path: Path) -> pa.NativeFile:
    """A file that Arrow's threads may let go of at any time.

    Letting go of a Python file takes the interpreter's lock.  A thread that asks for it while the interpreter
    ends aborts the process, after all is done.
    """
    return pa.OSFile(str(path), "rb")
