"""`dgm replay`: samplers on a recorded table of trainings, without training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from dgm_cli.common import at_least, messages, print_json
from dgm_cli.options import Json
from dgm_core.errors import ConfigurationError, unknown


def replay(
    table: Annotated[Path, typer.Argument(help="A CSV or Parquet file: a row for each training.")],
    error: Annotated[str, typer.Option(help="Column of the error to make small.")] = "score",
    cost: Annotated[str | None, typer.Option(help="Column of what a training cost, such as seconds.")] = None,
    settings: Annotated[
        str | None,
        typer.Option(help="Columns that are settings, separated by commas; by default all others."),
    ] = None,
    samplers: Annotated[str, typer.Option(help="Samplers, separated by commas.")] = "tpe",
    trials: Annotated[str, typer.Option(help="Trials of a search, separated by commas.")] = "24,48",
    seeds: Annotated[int, typer.Option(help="Searches of each sampler.")] = 50,
    workers: Annotated[int, typer.Option(help="Trials under way at a time.")] = 4,
    as_json: Json = False,
) -> int:
    """Search a table of recorded trainings again: how much better than random is a sampler?"""
    from studies.replay import TrainingTable, summarise
    from studies.replay import replay as search
    from studies.replay.samplers import SAMPLERS
    from studies.replay.simulate import RANDOM

    at_least("seeds", seeds, 2)
    at_least("workers", workers, 1)
    counts = [_count(text) for text in trials.split(",")]
    names = list(dict.fromkeys([RANDOM, *(name.strip() for name in samplers.split(","))]))
    for name in names:
        if name not in SAMPLERS:
            raise unknown("sampler", name, SAMPLERS)
    columns = [column.strip() for column in settings.split(",")] if settings else []
    read = TrainingTable.read(table, error=error, cost=cost, settings=columns)
    messages.print(f"{read.name}: {len(read.errors):,} trainings, best error {read.best:.3g}")
    outcomes = []
    for name in names:
        messages.print(f"{name}: {seeds} searches of {max(counts)} trials")
        make = SAMPLERS[name]
        outcomes.append(search(read, name, make, seeds=range(seeds), trials=max(counts), workers=workers))
    rows = summarise(read, outcomes, counts)
    messages.print(_table(rows))
    if as_json:
        print_json(
            {"table": read.name, "trainings": len(read.errors), "best": read.best, "rows": _plain(rows)}
        )
    return 0


def _count(text: str) -> int:
    if not text.strip().isdigit() or int(text) < 1:
        raise ConfigurationError(f"--trials {text.strip()} is not allowed: write numbers such as 24,48.")
    return int(text)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = ("sampler", "trials", "median error", "× best", "beats random", "at equal cost", "random trials")
    for head in heads:
        table.add_column(head)
    for row in rows:
        shares = (row["beats_random"], row["beats_random_at_cost"])
        table.add_row(
            row["sampler"],
            str(row["trials"]),
            f"{row['error']:.3g}",
            f"{row['regret']:.3g}",
            *("–" if math.isnan(share) else f"{100 * share:.0f} %" for share in shares),
            f"{row['random_trials']:.0f}",
        )
    return table


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Numbers that JSON has; None for what there is none of."""
    return [
        {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in rows
    ]
