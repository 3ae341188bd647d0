"""From rows of trials to arrays of errors, in which a diverged replicate is infinity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from studies.records import CONFIG, TELEMETRY_COLUMNS

Array = NDArray[np.float64]

COUNTED = ("completed", "stopped", "diverged")
"""Statuses whose error says something about the setting.

A failed replicate (an exception) or an interrupted one has no error that its setting is to blame for:
tables count them in columns of their own, and the report warns.
"""


def numbers(column: pd.Series) -> Array:
    """A nullable column as floats, (n,), NaN where null."""
    return column.to_numpy(dtype=float, na_value=np.nan)


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose errors count."""
    return rows[rows["status"].isin(COUNTED)]


def errors(rows: pd.DataFrame, metric: str = "mae") -> Array:
    """An error of the counted rows, (n,), infinite where diverged."""
    rows = counted(rows)
    values = numbers(rows[metric])
    diverged = (rows["status"] == "diverged").to_numpy(dtype=bool)
    return np.where(diverged | np.isnan(values), np.inf, values)


def by_seed(rows: pd.DataFrame) -> pd.Series:
    """MAE of the counted rows by their seed, infinite where diverged."""
    return pd.Series(errors(rows), index=counted(rows)["seed"].to_numpy(dtype=int))


def count(rows: pd.DataFrame, status: str) -> int:
    """Replicates of one status."""
    return int((rows["status"] == status).sum())


def typical(rows: pd.DataFrame, column: str) -> float:
    """Median of a column, null values aside; NaN if there are none."""
    values = numbers(rows[column])
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else np.nan


def config_columns(rows: pd.DataFrame) -> list[str]:
    """The columns that hold settings."""
    return [name for name in map(str, rows.columns) if name.startswith(CONFIG)]


def headlines(trials: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows behind a run's headline: of the winner and the reference confirmed, or of what was solved."""
    confirm = trials[trials["phase"] == "confirm"]
    found = {name: confirm[confirm["arm"] == name] for name in ("winner", "reference")}
    solve = trials[trials["phase"] == "solve"]
    found |= {str(name): solve[solve["trial"] == name] for name in solve["trial"].unique()}
    return {name: rows for name, rows in found.items() if len(rows)}


def trial_status(status: Sequence[str]) -> str:
    """The status of a trial from those of its replicates.

    Diverged if half or more of them are, so that their median is infinite; else the status of the others.
    """
    counts = Counter(status)
    if 2 * counts.pop("diverged", 0) >= len(status):
        return "diverged"
    return str(counts.most_common(1)[0][0])


def trial_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each trial, in order of their ends: its status, score and cost.

    `score` is the median MAE over replicates, infinite where half or more diverged and NaN where none counts;
    `loss` the median loss of the last iteration, NaN where diverged.  Settings keep their columns.
    """
    settings = config_columns(rows)
    kept = ["phase", "trial", "arm", "parameters", *TELEMETRY_COLUMNS, "error", *settings]
    groups = rows.groupby("trial", sort=False)
    most = groups[["iterations", "iterations_asked", "rung", "points", "seconds", "ended"]].max()
    score = pd.Series(errors(rows)).groupby(counted(rows)["trial"].to_numpy()).median().reindex(most.index)
    loss = pd.Series(numbers(rows["loss"])).groupby(rows["trial"].to_numpy()).median().reindex(most.index)
    statuses = [list(group) for _, group in groups["status"]]
    firsts, lasts = groups.head(1)[kept].to_dict("records"), most.to_dict("records")
    found = [
        {
            **first,
            **last,
            "status": trial_status(own),
            "score": mae,
            "loss": end,
            "n": len(own),
            "diverged": own.count("diverged"),
        }
        for first, last, own, mae, end in zip(firsts, lasts, statuses, score, loss, strict=True)
    ]
    columns = ["phase", "trial", "arm", "status", "score", "loss", "n", "diverged", "iterations"]
    columns += ["iterations_asked", "rung", "points", "parameters", "seconds", *TELEMETRY_COLUMNS]
    columns += ["ended", "error", *settings]
    frame = pd.DataFrame(found, columns=columns).astype({"score": float, "loss": float})
    return frame.sort_values(["ended", "trial"], kind="stable", ignore_index=True)
