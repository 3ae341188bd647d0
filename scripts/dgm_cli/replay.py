"""`dgm replay`: methods of searching on a recorded table of trainings, without training."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from dgm_cli.common import at_least, messages, parse_settings, print_json
from dgm_cli.options import Json
from dgm_cli.own import With, load_files
from dgm_core.errors import ConfigurationError, unknown

if TYPE_CHECKING:
    from studies.replay import Method

_APART = 1_000_003
"""Between the seeds of random search and those of the others, which may start with random trials."""
_MORE = 4
"""Trials of random search, in terms of the others', so that it can be given as much cost."""


def replay(
    table: Annotated[Path, typer.Argument(help="A CSV or Parquet file with a row for each training.")],
    error: Annotated[
        str | None, typer.Option(help="Column of the error to minimise (default: score).")
    ] = None,
    cost: Annotated[
        str | None, typer.Option(help="Column of the cost of a training, such as seconds.")
    ] = None,
    iterations: Annotated[
        str | None,
        typer.Option(help="Column of the length of a training, if columns like score@1000 hold curves."),
    ] = None,
    settings: Annotated[
        str | None,
        typer.Option(help="Columns that are settings, separated by commas (default: all others)."),
    ] = None,
    samplers: Annotated[
        str, typer.Option(help="Samplers (see dgm list samplers), separated by commas.")
    ] = "tpe",
    early_stopping: Annotated[
        str, typer.Option(help="Stopping rules (see dgm list samplers), separated by commas; need curves.")
    ] = "none",
    startup_trials: Annotated[
        str, typer.Option(help="Numbers of random trials at the start, separated by commas.")
    ] = "10",
    grace_period: Annotated[str, typer.Option(help="First rungs, separated by commas.")] = "1000",
    reduction_factor: Annotated[str, typer.Option(help="Reduction factors, separated by commas.")] = "4",
    trials: Annotated[
        str, typer.Option(help="Numbers of trials in a search, separated by commas.")
    ] = "24,48",
    seeds: Annotated[int, typer.Option(help="Number of searches by each method.")] = 50,
    workers: Annotated[int, typer.Option(help="Trials that run at the same time.")] = 4,
    start_from: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE,…", help="Settings to try first; repeatable."),
    ] = None,
    chosen_by: Annotated[
        str | None, typer.Option(help="Another column, such as a loss, to see what choosing by it costs.")
    ] = None,
    facts: Annotated[
        bool, typer.Option("--facts", help="Print facts about the table, without searching.")
    ] = False,
    files: With = None,
    as_json: Json = False,
) -> int:
    """Search a table of recorded trainings: how much better than random is each method?

    Tries every combination of the given samplers, rules and numbers, under the logical clock of a study.
    """
    from dgm_cli.replay_facts import choice_words, rungs_table
    from studies.records.words import counted
    from studies.replay import Method, TrainingTable, anytime, summarise
    from studies.replay import replay as search
    from studies.replay.compare import cost_grid
    from studies.replay.simulate import check

    at_least("seeds", seeds, 2)
    at_least("workers", workers, 1)
    load_files(files)
    counts = [_count("trials", text) for text in trials.split(",")]
    methods = _methods(samplers, early_stopping, startup_trials, grace_period, reduction_factor)
    columns = [column.strip() for column in settings.split(",")] if settings else []
    read = TrainingTable.read(table, error=error, cost=cost, settings=columns, iterations=iterations)
    for method in methods:
        check(read, method, max(counts))
    messages.print(f"{read.name}: {counted(len(read.errors), 'training')}, best error {read.best:.3g}")
    if chosen_by is not None:
        judged = TrainingTable.read(table, error=chosen_by, settings=columns).errors
        for line in choice_words(read.errors, judged, chosen_by):
            messages.print(line, soft_wrap=True)
    if facts:
        if read.rungs:
            messages.print(rungs_table(read))
        return 0
    most = max(counts)
    first = [_known(text, list(read.space)) for text in start_from or ()]
    random = search(
        read,
        Method("random"),
        seeds=range(_APART, _APART + 2 * seeds),
        trials=_MORE * most,
        workers=workers,
    )
    outcomes = []
    for method in methods:
        messages.print(f"{method}: {counted(seeds, 'search', 'searches')} of {counted(most, 'trial')}")
        outcomes.append(
            search(read, method, seeds=range(seeds), trials=most, workers=workers, start_from=first)
        )
    rows = summarise(read, outcomes, random, counts)
    messages.print(_table(rows))
    if as_json:
        costs = cost_grid(random, most)
        curves = {
            str(outcome.method): [_plain(each._asdict()) for each in anytime(read, outcome, costs)]
            for outcome in (random, *outcomes)
        }
        summary = {"table": read.name, "trainings": len(read.errors), "best": read.best}
        print_json(summary | {"rows": [_plain(row) for row in rows], "costs": costs, "regret": curves})
    return 0


def _known(text: str, keys: list[str]) -> dict[str, Any]:
    """Settings to start from; those that are not given are drawn."""
    known = parse_settings(text.split(","), option="--start-from")
    for key in known:
        if key not in keys:
            raise unknown("setting of the table", key, keys)
    return known


def _methods(
    samplers: str, rules: str, startup_trials: str, grace_period: str, reduction_factor: str
) -> list[Method]:
    """Every combination; what only early stopping reads makes no difference without it."""
    from studies.replay import Method
    from studies.samplers import SAMPLERS
    from studies.stopping import RULES

    names, ruled = ([name.strip() for name in text.split(",")] for text in (samplers, rules))
    for name in names:
        if name not in SAMPLERS:
            raise unknown("sampler", name, SAMPLERS)
    for name in ruled:
        if name not in RULES:
            raise unknown("early stopping rule", name, RULES)
    startups, graces, reductions = (
        [_count(option, text) for text in texts.split(",")]
        for option, texts in (
            ("startup-trials", startup_trials),
            ("grace-period", grace_period),
            ("reduction-factor", reduction_factor),
        )
    )
    methods = (Method(*each) for each in product(names, ruled, startups, graces, reductions))
    return list({str(method): method for method in methods}.values())


def _count(option: str, text: str) -> int:
    if not text.strip().isdigit() or int(text) < 1:
        raise ConfigurationError(f"--{option} {text.strip()} is not allowed: write numbers such as 24,48.")
    return int(text)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in (
        "method",
        "trials",
        "error",
        "× best",
        "beats random at equal cost",
        "cost",
        "random trials",
    ):
        table.add_column(head)
    for row in rows:
        table.add_row(
            row["method"],
            str(row["trials"]),
            f"{row['error']:.3g}",
            _interval(row, "regret", "{:.3g}"),
            _interval(row, "beats_random", "{:.0%}"),
            f"{row['cost'] / row['cost_of_random']:.2f} × random's",
            f"{row['random_trials']:.0f}",
        )
    return table


def _interval(row: dict[str, Any], key: str, form: str) -> str:
    point, low, high = (row[f"{key}{end}"] for end in ("", "_low", "_high"))
    if math.isnan(point):
        return "–"
    return f"{form.format(point)} [{form.format(low)}, {form.format(high)}]"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Numbers that JSON has; None for what there is none of."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
