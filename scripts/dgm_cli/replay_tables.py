"""What `dgm replay` prints: a table for each table of trainings, and one over all of them."""

from __future__ import annotations

import math
from typing import Any

from rich.table import Table

NOTE = (
    "beats random: share of pairs with a random search that was given the same cost.  cost: of the whole "
    "search, × that of as many random trials.  random trials: how many settings drawn at random from the "
    "table reach that error with even chances."
)
OVERALL_NOTE = (
    "Means over tables, with intervals over the seeds within each; the last column is paired by seed."
)


def rows_table(rows: list[dict[str, Any]]) -> Table:
    """Of `summarise`."""
    heads = ("method", "trials", "error", "× best", "beats random", "cost", "random trials")
    table = _headed(heads)
    for row in rows:
        table.add_row(
            row["method"],
            str(row["trials"]),
            f"{row['error']:.3g}",
            _interval(row, "regret", "{:.3g}"),
            _interval(row, "beats_random", "{:.0%}"),
            f"{row['cost'] / row['cost_of_random']:.2f}",
            f"{row['random_trials']:.0f}",
        )
    return table


def overall_table(rows: list[dict[str, Any]]) -> Table:
    """Of `overall`."""
    first = rows[0]["method"]
    table = _headed(("over all tables", "trials", "beats random", "more often than the first"))
    for row in rows:
        ahead = "" if row["method"] == first else _interval(row, "ahead", "{:+.0%}")
        table.add_row(row["method"], str(row["trials"]), _interval(row, "beats_random", "{:.0%}"), ahead)
    return table


def _headed(heads: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head)
    return table


def _interval(row: dict[str, Any], key: str, form: str) -> str:
    point, low, high = (row[f"{key}{end}"] for end in ("", "_low", "_high"))
    if math.isnan(point):
        return "–"
    return f"{_text(form, point)} [{_text(form, low)}, {_text(form, high)}]"


def _text(form: str, value: float) -> str:
    text = form.format(value)
    return "0%" if text in ("-0%", "+0%") else text
