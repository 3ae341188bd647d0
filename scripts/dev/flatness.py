"""`scripts/flatness`: how well a few trials of a recorded table say how far each setting can move.

Takes some trainings of the table as a search would have them, makes the report's table of flatness from these
alone, and compares it with what all trainings of the table say at the same setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from rich.table import Table

from analysis import statistics
from analysis.axes import SettingAxis
from analysis.surrogate import Surrogate
from analysis.tables.cells import rows_of
from analysis.tables.flatness import slopes
from analysis.tables.variance import axis_shares
from dgm_cli.common import messages
from dgm_core import ConfigurationError
from studies.planning.suggesting import Suggestions
from studies.replay import Method, TrainingTable
from studies.replay.simulate import trained
from studies.study.space import describe

Array = NDArray[np.float64]

_KINDS = ("shown", "flat", "partly", "unknown")
_ALL, _DRAWS = 1_000, 20
"""Trainings and draws that stand for the truth: a process over more takes too long."""


def flatness(
    table: Annotated[Path, typer.Argument(help="As of `dgm replay`.")],
    error: Annotated[str | None, typer.Option(help="Column of the error.")] = None,
    cost: Annotated[str | None, typer.Option(help="Column of the cost.")] = None,
    settings: Annotated[str | None, typer.Option(help="Columns, separated by commas.")] = None,
    trials: Annotated[str, typer.Option(help="Numbers of completed trials.")] = "12,24,48,100",
    searches: Annotated[int, typer.Option(help="For each number.")] = 40,
    sampler: Annotated[str, typer.Option(help="That chooses the trials.")] = "tpe",
) -> None:
    """Prints how often the intervals hold the truth, and how much they say."""
    columns = settings.split(",") if settings else []
    read = TrainingTable.read(table, error=error, cost=cost, settings=columns)
    if not (np.isfinite(read.errors) & (read.errors > 0)).all():
        raise ConfigurationError(f"{table} has errors that have no logarithm.")
    judge = Judge.of(read)
    shown = Table(
        "trials", "nearer end right", "farther end right", "both", *_KINDS, "choices right", "fANOVA"
    )
    for count in (int(text) for text in trials.split(",")):
        tables = [
            judge.compared(searched(read, sampler, count, seed), np.random.default_rng(seed))
            for seed in range(searches)
        ]
        shown.add_row(str(count), *_cells(pd.concat(tables, ignore_index=True)))
    messages.print(shown)
    messages.print(f"{read.name}: {searches} searches each, by {sampler}.", highlight=False)


@dataclass(frozen=True, eq=False)
class Judge:
    """All trainings of a table: the axes of its settings, (n, c) coordinates, (n,) logarithms of the errors,
    and the truth, as they have it."""

    table: TrainingTable
    axes: list[SettingAxis]
    points: Array
    errors: Array
    truth: Surrogate
    shares: list[statistics.Interval]

    @classmethod
    def of(cls, table: TrainingTable) -> Judge:
        """Of a table whose errors all have a logarithm."""
        axes = [SettingAxis(key, describe(distribution)) for key, distribution in table.space.items()]
        points = np.hstack([axis.coordinates(list(table.settings[axis.key])) for axis in axes])
        some, errors = np.random.default_rng(0).permutation(len(points))[:_ALL], np.log(table.errors)
        truth = Surrogate(points[some], errors[some], np.random.default_rng(0), draws=_DRAWS)
        shares = axis_shares(axes, truth, np.random.default_rng(0))
        return cls(table, axes, points, errors, truth, shares)

    def compared(self, rows: list[int], rng: np.random.Generator) -> pd.DataFrame:
        """The table that some trainings alone give, with what all say as `true_…`, and `share_right`."""
        few, errors = Surrogate(self.points[rows], self.errors[rows], rng), self.errors[rows]
        settings = [list(self.table.settings[axis.key].iloc[rows]) for axis in self.axes]
        tables = [
            slopes(self.axes, settings, errors, int(errors.argmin()), rng, surrogate)
            for surrogate in (few, self.truth)
        ]
        shares = axis_shares(self.axes, few, rng)
        right = [own.low <= true.point <= own.high for own, true in zip(shares, self.shares, strict=True)]
        return tables[0].join(tables[1].add_prefix("true_")).assign(share_right=right)


def searched(read: TrainingTable, sampler: str, count: int, seed: int) -> list[int]:
    """Rows of the table that a search comes to, each once."""
    suggestions = Suggestions(read.space, Method(sampler).make_sampler(read.space), seed=seed)
    rows: list[int] = []
    for number in range(count):
        row = read.nearest(suggestions.suggest())
        rows.append(row)
        suggestions.complete(number, trained(1, float(read.errors[row]), final=True))
    return sorted(set(rows), key=rows.index)


def _cells(table: pd.DataFrame) -> list[str]:
    nearer, farther, kinds, right = [], [], [], []
    for row in rows_of(table):
        for name, side, sign in (("lower", "below", -1.0), ("upper", "above", 1.0)):
            if not isinstance(row.get(side), str) or row[side] == "edge":
                continue
            kinds.append(row[side])
            ends = (row[f"{name}_high"], row[f"{name}_low"])[:: int(-sign)]
            least, most = (sign * (np.inf * sign if np.isnan(end) else end) for end in ends)
            true = sign * row[f"true_{name}"] if not np.isnan(row[f"true_{name}"]) else np.inf
            nearer.append(least <= true)
            farther.append(true <= most)
        for name, others in (("kept", "true_kept"), ("doubling", "true_doubling")):
            right += [choice in str(row[others]).split(", ") for choice in _choices(row, name)]
    both = [a and b for a, b in zip(nearer, farther, strict=True)]
    shares = [_share(values) for values in (nearer, farther, both)]
    known = [f"{kinds.count(kind) / max(1, len(kinds)):.0%}" for kind in _KINDS]
    return [*shares, *known, _share(right) if right else "–", _share(list(table["share_right"]))]


def _choices(row: dict[str, Any], name: str) -> list[str]:
    return row[name].split(", ") if isinstance(row.get(name), str) and row[name] else []


def _share(values: list[bool]) -> str:
    share = statistics.rate(sum(values), len(values))
    return f"{share.point:.0%} [{share.low:.0%}, {share.high:.0%}]"


if __name__ == "__main__":
    typer.run(flatness)
