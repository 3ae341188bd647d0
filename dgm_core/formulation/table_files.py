"""Columns of numbers from files of tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgm_core.errors import ConfigurationError
from dgm_core.formulation.table_text import SECONDS, Dates, Gaps, dates_refused, read_text

_TEXT = (".csv", ".tsv", ".txt", ".dat")


def read_columns(
    path: Path, names: Sequence[str], *, gaps: Gaps, dates: Dates, decimal: str | None
) -> dict[str, NDArray[np.float64]]:
    """The named columns of a file, float64, all of one length.  Raises ConfigurationError."""
    if gaps not in ("refuse", "leave out"):
        raise ConfigurationError(f"gaps = {gaps!r} is not allowed: it must be 'refuse' or 'leave out'.")
    if dates not in ("refuse", *SECONDS):
        raise ConfigurationError(
            f"dates = {dates!r} is not allowed: it must be 'refuse' or one of {', '.join(SECONDS)}."
        )
    try:
        if path.suffix.lower() in _TEXT:
            return read_text(path, names, gaps=gaps, dates=dates, decimal=decimal)
        read = _read(path, names)
        for name in names:
            if name not in read:
                raise KeyError(f"has no column {name!r}: it has {', '.join(sorted(read))}")
        columns = {name: _numbers(name, np.asarray(read[name]).ravel(), dates) for name in names}
        return _without_gaps(columns, gaps)
    except KeyError as error:
        raise ConfigurationError(f"the table {path} {error.args[0]}.") from None
    except OSError as error:
        raise ConfigurationError(f"the table {path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"the table {path} cannot be read: {error}.") from None


def _read(path: Path, names: Sequence[str]) -> dict[str, Any]:
    match path.suffix.lower():
        case ".parquet":
            import pyarrow.parquet

            table = pyarrow.parquet.read_table(path)
            return {name: table[name].to_numpy() for name in table.column_names}
        case ".npy":
            array = np.load(path, allow_pickle=False)
            if array.ndim != 2 or array.shape[1] != len(names):
                raise ValueError(f"an array (N, {len(names)}) is needed, but its shape is {array.shape}")
            return dict(zip(names, array.T, strict=True))
        case ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
    raise ValueError(f"its name must end in {', '.join(_TEXT)}, .parquet, .npy or .npz")


def _numbers(name: str, column: NDArray[Any], dates: Dates) -> NDArray[np.float64]:
    """A column as float64; dates as times since the first: NumPy would count from 1970."""
    if column.dtype.kind in "Mm":
        if dates == "refuse":
            raise ValueError(dates_refused(name, str(column[0])))
        elapsed = column - column.min() if column.dtype.kind == "M" else column
        return np.asarray(elapsed / np.timedelta64(int(SECONDS[dates]), "s"), dtype=np.float64)
    return np.asarray(column, dtype=np.float64)


def _without_gaps(columns: dict[str, NDArray[np.float64]], gaps: Gaps) -> dict[str, NDArray[np.float64]]:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        raise ValueError(
            f"its columns have the lengths {', '.join(map(str, sorted(lengths)))}: they must be equal"
        )
    whole = np.all([np.isfinite(column) for column in columns.values()], axis=0)
    if gaps == "refuse" and not whole.all():
        row = int(np.flatnonzero(~whole)[0])
        name = next(name for name, column in columns.items() if not np.isfinite(column[row]))
        raise ValueError(
            f"row {row + 1} has {columns[name][row]} in column {name!r}; gaps='leave out' leaves it out"
        )
    return {name: column[whole] for name, column in columns.items()}
