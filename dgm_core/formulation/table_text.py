"""Text tables as instruments, spreadsheets and scripts write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgm_core.errors import counted

Gaps = Literal["refuse", "leave out"]
Dates = Literal["refuse", "seconds", "minutes", "hours", "days"]

SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}

_COMMENT = ("#", "%", "//")
_SEPARATORS = (";", "\t", "|", ",")
_GAPS = {"", "na", "n/a", "nan", "null", "none", "n/d", "nd", "-", "--", "?", ".", "missing", "#n/a"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_UNIT = re.compile(r"\s*[\[(/].*$")


@dataclass(frozen=True)
class Row:
    """The cells of one line, counted from 1."""

    line: int
    cells: tuple[str, ...]


def read_text(
    path: Path,
    names: Sequence[str],
    *,
    gaps: Gaps = "refuse",
    dates: Dates = "refuse",
    decimal: str | None = None,
) -> dict[str, NDArray[np.float64]]:
    """The named columns of a text table, float64, all of one length.

    Lines that are empty or begin with #, % or // are comments.  The separator is what the lines agree on: a
    semicolon, a tab, a bar, a comma, or spaces.  A header may carry units, "time [d]", or have a line of them
    below it; without a header the columns stand in the order of `names`.  Raises ValueError, in words to go
    after "the table … cannot be read:", for what is no number, with line and column; KeyError for a column
    that is not there.
    """
    rows, names_found = _split(path, names)
    columns = {name: _position(name, names_found) for name in names}
    rows = _without_units(rows, list(columns.values()))
    if not rows:
        raise ValueError("it has no rows")
    if decimal is None:
        decimal = _decimal([row.cells[i] for row in rows for i in columns.values()])
    numbers = {name: [_number(row.cells[i], decimal) for row in rows] for name, i in columns.items()}
    for name, i in columns.items():
        if all(value is None for value in numbers[name]) or any(_date(row.cells[i]) for row in rows):
            numbers[name] = _dates(rows, name, i, dates)
    whole = [all(column[r] is not None for column in numbers.values()) for r in range(len(rows))]
    for r, row in enumerate(rows):
        for name, i in columns.items():
            cell = row.cells[i]
            if numbers[name][r] is None and (gaps == "refuse" or cell.casefold() not in _GAPS):
                raise ValueError(_complaint(row.line, name, cell))
    if not any(whole):
        raise ValueError("it has no rows without gaps")
    return {
        name: np.array([value for value, kept in zip(column, whole, strict=True) if kept], dtype=np.float64)
        for name, column in numbers.items()
    }


def _complaint(line: int, name: str, cell: str) -> str:
    if cell.casefold() in _GAPS:
        content = f" ({cell})" if cell else ""
        return f"line {line} has a gap{content} in column {name!r}; gaps='leave out' leaves such rows out"
    return f"line {line} has {cell!r} in column {name!r}, which is no number"


def _split(path: Path, names: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Rows of data and the names of their columns."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    lines = [(number, line.strip("\r\n ")) for number, line in enumerate(text.splitlines(), start=1)]
    comments = [line.lstrip("#%/ ") for _, line in lines if line.startswith(_COMMENT)]
    kept = [(number, line) for number, line in lines if line.strip() and not line.startswith(_COMMENT)]
    if not kept:
        raise ValueError("it has no rows")
    separator = _separator([line for _, line in kept[:50]])
    rows = [Row(number, _cells(line, separator)) for number, line in kept]
    if any(_number(cell, ".") is not None or _number(cell, ",") is not None for cell in rows[0].cells):
        header = _cells(comments[-1], separator) if comments else ()
        if len(header) != len(rows[0].cells):  # no header
            if len(rows[0].cells) != len(names):
                raise ValueError(
                    f"it has no header, and {counted(len(rows[0].cells), 'column')} "
                    f"where {', '.join(names)} are needed"
                )
            header = tuple(names)
    else:
        header, rows = rows[0].cells, rows[1:]
    for i, row in enumerate(rows):
        if len(row.cells) == len(header) + 1 and not row.cells[-1]:
            rows[i] = Row(row.line, row.cells[:-1])
        elif len(row.cells) != len(header):
            hint = " (decimal commas need another separator)" if separator == "," else ""
            raise ValueError(
                f"line {row.line} has {counted(len(row.cells), 'cell')}, where the header has "
                f"{len(header)}{hint}"
            )
    return rows, list(header)


def _separator(lines: Sequence[str]) -> str | None:
    """What the lines agree on; None is any space."""
    for separator in _SEPARATORS:
        counts = {len(_cells(line, separator)) for line in lines}
        # A trailing separator, or a line that lacks a cell, is said later.
        if min(counts) > 1 or (separator in lines[0] and max(counts) > 1):
            return separator
    return None


def _cells(line: str, separator: str | None) -> tuple[str, ...]:
    if separator is None:
        return tuple(line.split())
    return tuple(
        cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    )


def _position(name: str, header: Sequence[str]) -> int:
    """Where the column is: by its name, or by its name without units or capitals."""
    for plain in (str, lambda text: _UNIT.sub("", text), lambda text: _UNIT.sub("", text).casefold()):
        places = [i for i, heading in enumerate(header) if plain(heading) == plain(name)]
        if len(places) == 1:
            return places[0]
        if places:
            raise ValueError(f"it has {counted(len(places), 'column')} called {name!r}")
    raise KeyError(f"has no column {name!r}: it has {', '.join(header)}")


def _without_units(rows: list[Row], columns: Sequence[int]) -> list[Row]:
    """The rows without a first one that holds units, such as "[d],[-]"."""
    if not rows:
        return rows
    first = [rows[0].cells[i] for i in columns]
    unitless = all(_number(cell, ".") is None and _number(cell, ",") is None for cell in first)
    if unitless and not all(cell.casefold() in _GAPS for cell in first) and not any(map(_date, first)):
        return rows[1:]
    return rows


def _decimal(cells: Sequence[str]) -> str:
    """The decimal sign of all cells.  Raises ValueError where commas could group thousands as well."""
    with_comma = [cell for cell in cells if "," in cell]
    if not with_comma:
        return "."
    both = [cell for cell in with_comma if "." in cell]
    if both:
        return "." if all(cell.rindex(".") > cell.rindex(",") for cell in both) else ","
    if any("." in cell for cell in cells):
        return "."
    if all(_GROUPED.fullmatch(cell) for cell in with_comma):
        raise ValueError(
            f"{with_comma[0]!r} may be a decimal comma or thousands; decimal=',' or decimal='.' says which"
        )
    return ","


def _number(cell: str, decimal: str) -> float | None:
    """The finite number that a cell holds, or None."""
    plain = cell.replace("\u2212", "-").replace(" ", "").replace("\u00a0", "").replace("'", "")
    if decimal == ",":
        plain = plain.replace(".", "").replace(",", ".")
    elif _GROUPED.match(plain):
        plain = plain.replace(",", "")
    if not _NUMBER.fullmatch(plain):
        return None
    value = float(re.sub("[dD]", "e", plain))
    return value if np.isfinite(value) else None


def _date(cell: str) -> datetime | None:
    if not re.match(r"\d{4}-\d{2}-\d{2}", cell):
        return None
    try:
        date = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _dates(rows: Sequence[Row], name: str, column: int, unit: Dates) -> list[float | None]:
    """Times since the first date of a column."""
    dates = [_date(row.cells[column]) for row in rows]
    known = [date for date in dates if date is not None]
    if not known:
        return [None] * len(rows)
    if unit == "refuse":
        row = next(row for row, date in zip(rows, dates, strict=True) if date is not None)
        raise ValueError(dates_refused(name, f"{row.cells[column]!r} in line {row.line}"))
    start = min(known)
    return [None if date is None else (date - start).total_seconds() / SECONDS[unit] for date in dates]


def dates_refused(name: str, example: str) -> str:
    """What is said of a column of dates."""
    return (
        f"column {name!r} holds dates ({example}); dates='days' (hours, minutes, seconds) makes them times "
        "since the first of them"
    )
