"""Columns of a table that somebody wrote, checked: every refusal names the column, the row and the value."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from dgm_core.errors import ConfigurationError, repeated

Array = NDArray[np.float64]

_LARGEST, _LARGEST_TEXT = 1e100, "1e100"
"""Of a setting and of a cost, so that differences and sums of them stay finite."""
_MOST, _MOST_TEXT = 10**15, "1e15"
"""Iterations, which a float still counts one by one."""


def numbers(table: str, column: pd.Series[Any]) -> Array:
    """A column as floats (n,), NaN where a value is missing.  Raises ConfigurationError for any other."""
    if pd.api.types.is_numeric_dtype(column):
        return np.asarray(column.to_numpy(float, na_value=np.nan))
    found = np.full(len(column), np.nan)
    for row, value in enumerate(column):
        if not _missing(value):
            try:
                found[row] = float(value)
            except (TypeError, ValueError, OverflowError):
                raise _refused(table, column, row, "it must be a number") from None
    return found


def whole(table: str, column: pd.Series[Any]) -> NDArray[np.int64]:
    """A column of iterations (n,).  Raises ConfigurationError where one is not a whole number above 0."""
    found = numbers(table, column)
    wrong = ~(np.isfinite(found) & (found >= 1) & (found <= _MOST) & (found == np.floor(found)))
    if wrong.any():
        rule = f"it must be a whole number from 1 to {_MOST_TEXT}"
        raise _refused(table, column, int(wrong.argmax()), rule)
    return found.astype(np.int64)


def costs(table: str, column: pd.Series[Any]) -> Array:
    """A column of costs (n,).  Raises ConfigurationError where one is not a number above 0."""
    found = numbers(table, column)
    wrong = ~((found > 0) & (found <= _LARGEST))
    if wrong.any():
        rule = f"a cost must be above 0, and at most {_LARGEST_TEXT}"
        raise _refused(table, column, int(wrong.argmax()), rule)
    return found


def setting(table: str, column: pd.Series[Any], drawn: BaseDistribution | None = None) -> pd.Series[Any]:
    """A column of a setting: of numbers, or of texts and truth values.

    drawn: what its space is, where that is known.  Raises ConfigurationError for any other value, and for one
    that has no place on the scale of the space.
    """
    for row, value in enumerate(column):
        if _missing(value):
            raise ConfigurationError(f"{table} has no value of {column.name} in row {row + 1}.")
        if not isinstance(value, (str, bool, int, float, Decimal, np.bool_, np.number)):
            rule = "a setting must be a number or a text (--settings names the columns that are settings)"
            raise _refused(table, column, row, rule)
    exact = pd.api.types.infer_dtype(column, skipna=False) in ("integer", "decimal")
    scaled = isinstance(drawn, (FloatDistribution, IntDistribution))
    if scaled or (exact and not pd.api.types.is_numeric_dtype(column)):  # as many digits as a column can have
        column = pd.Series(numbers(table, column), name=column.name, index=column.index)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        found = numbers(table, column)
        wrong = ~(np.abs(found) <= _LARGEST)
        if wrong.any():
            rule = f"a setting must lie between -{_LARGEST_TEXT} and {_LARGEST_TEXT}"
            raise _refused(table, column, int(wrong.argmax()), rule)
        if getattr(drawn, "log", False) and not (found > 0).all():
            rule = "its space is logarithmic, so it must be above 0"
            raise _refused(table, column, int((found <= 0).argmax()), rule)
    return column


def curve_columns(table: str, names: Sequence[str], error: str) -> dict[int, str]:
    """Iterations -> the column that has the error after so many, in their order.

    Raises ConfigurationError where two columns are of the same iterations, or one of too many.
    """
    found: dict[int, str] = {}
    for name in names:
        text = name.removeprefix(f"{error}@")
        if text == name or not (text.isascii() and text.isdecimal()) or not text.strip("0"):
            continue
        if len(text) > len(str(_MOST)) or int(text) > _MOST:
            raise ConfigurationError(f"{table} has a column {name}: iterations must be at most {_MOST_TEXT}.")
        if int(text) in found:
            raise ConfigurationError(f"{table} has two columns for one rung: {found[int(text)]} and {name}.")
        found[int(text)] = name
    return dict(sorted(found.items()))


def varies(column: pd.Series[Any]) -> bool:
    """Whether a column has two values that differ, a missing one among them."""
    try:
        return bool(column.nunique(dropna=False) > 1)
    except TypeError:  # values that have no hash, such as lists, are refused where they are read
        return True


def _missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _refused(table: str, column: pd.Series[Any], row: int, rule: str) -> ConfigurationError:
    value = column.iloc[row]
    value = value.item() if isinstance(value, np.generic) else value
    if _missing(value):
        return ConfigurationError(f"{table} has no value of {column.name} in row {row + 1}: {rule}.")
    return ConfigurationError(f"{table} has {column.name} = {repeated(value)} in row {row + 1}: {rule}.")
