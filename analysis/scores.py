"""From rows of trials to arrays of errors, in which a diverged replicate is infinity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from studies.records import CONFIG, LABELS, TELEMETRY_COLUMNS
from studies.records.reduction import median, ranked
from studies.records.schema import WEIGHT_PREFIX, WEIGHTS

Array = NDArray[np.float64]

RESIDUAL = "residual"
RESIDUAL_OF_DATA = "residual of data"
"""The share of measured data in it."""
ERRORS = tuple(name for name in LABELS if name != RESIDUAL)
"""Mean absolute, relative 2-norm and maximum."""

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


def errors(rows: pd.DataFrame, metric: str = "score") -> Array:
    """An error of the counted rows, by default that which ranks, (n,), infinite where diverged."""
    rows = counted(rows)
    return ranked(numbers(rows[metric]), diverged(rows))


def metrics(rows: pd.DataFrame) -> list[str]:
    """The errors that some rows of a run have, each by its own name; without a reference the residual."""
    if rows.empty:
        return []
    return [RESIDUAL] if rows["metric"].iloc[0] == RESIDUAL else list(ERRORS)


def losses(rows: pd.DataFrame) -> Array:
    """The last training loss of the counted rows, (n,), infinite where diverged."""
    rows = counted(rows)
    return ranked(numbers(rows["loss"]), diverged(rows))


def diverged(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each row's replicate did, (n,)."""
    return (rows["status"] == "diverged").to_numpy(dtype=bool)


def by_trial(rows: pd.DataFrame, values: Array) -> pd.Series:
    """Median over each trial's counted replicates of values (n,), one for each counted row."""
    groups = pd.Series(values).groupby(counted(rows)["trial"].to_numpy(), sort=False)
    return groups.agg(lambda group: float(median(group.to_numpy())))


def by_seed(rows: pd.DataFrame) -> pd.Series:
    """Scores of the counted rows by their seed, infinite where diverged."""
    return pd.Series(errors(rows), index=counted(rows)["seed"].to_numpy(dtype=int))


def count(rows: pd.DataFrame, status: str) -> int:
    """Replicates of one status."""
    return int((rows["status"] == status).sum())


def typical(rows: pd.DataFrame, column: str) -> float:
    """Median of what the replicates cost (parameters, iterations, seconds …); NaN where nothing is known.

    Of a cost every known value counts as it is, a diverged replicate's too.
    """
    values = numbers(rows[column])
    return float(median(values[~np.isnan(values)]))


def config_columns(rows: pd.DataFrame) -> list[str]:
    """The columns that hold settings."""
    return [name for name in map(str, rows.columns) if name.startswith(CONFIG)]


def told_columns(rows: pd.DataFrame, space: Collection[str]) -> list[str]:
    """The columns that hold settings, each setting once; space: the keys that are searched."""
    keys = [name.removeprefix(CONFIG) for name in config_columns(rows)]
    return [CONFIG + key for key in told_once(keys, space)]


def told_once(keys: Iterable[str], space: Collection[str]) -> list[str]:
    """The keys without one of the two forms of the loss's weights, which records have both.

    One by one, as `loss_weights.left`, unless the whole of them is searched; older runs have only the whole.
    """
    kept = list(keys)
    single = [key for key in kept if key.startswith(WEIGHT_PREFIX)]
    dropped = single if WEIGHTS in space else [WEIGHTS] if single else []
    return [key for key in kept if key not in dropped]


def headlines(trials: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows behind a run's headline: of the winner and the baseline confirmed, or of what was solved."""
    confirm = trials[trials["phase"] == "confirm"]
    rows_of_each = {name: confirm[confirm["arm"] == name] for name in ("winner", "baseline")}
    solve = trials[trials["phase"] == "solve"]
    rows_of_each |= {str(name): solve[solve["trial"] == name] for name in solve["trial"].unique()}
    return {name: rows for name, rows in rows_of_each.items() if len(rows)}


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

    `score` is the median over replicates of what ranks, `metric`, infinite where half or more diverged and
    NaN where none counts.  So are the errors under their own names, and `loss`, that of the last iteration.
    Settings keep their columns.
    """
    settings = config_columns(rows)
    kept = ["phase", "trial", "arm", "metric", "parameters", *TELEMETRY_COLUMNS, "error", *settings]
    groups = rows.groupby("trial", sort=False)
    most = groups[["iterations", "iterations_asked", "rung", "points", "seconds", "ended"]].max()
    reduced = {name: by_trial(rows, errors(rows, name)) for name in ("score", *metrics(rows))}
    reduced["loss"] = by_trial(rows, losses(rows))
    medians = pd.DataFrame(
        {name: values.reindex(most.index) for name, values in reduced.items()}, dtype=float
    )
    statuses = [list(group) for _, group in groups["status"]]
    frames = [frame.to_dict("records") for frame in (groups.head(1)[kept], most, medians)]
    summaries = [
        {
            **first,
            **last,
            **middle,
            "status": trial_status(states),
            "n": len(states),
            "diverged": states.count("diverged"),
        }
        for first, last, middle, states in zip(*frames, statuses, strict=True)
    ]
    columns = ["phase", "trial", "arm", "status", "metric", *reduced, "n", "diverged", "iterations"]
    columns += ["iterations_asked", "rung", "points", "parameters", "seconds", *TELEMETRY_COLUMNS]
    columns += ["ended", "error", *settings]
    frame = pd.DataFrame(summaries, columns=columns).astype(dict.fromkeys(reduced, float))
    return frame.sort_values(["ended", "trial"], kind="stable", ignore_index=True)
