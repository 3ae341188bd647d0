"""`dgm replay`: methods of searching on recorded tables of trainings, without training."""

from __future__ import annotations

import math
import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgm_cli.common import at_least, messages, parse_settings, print_json
from dgm_cli.options import Json
from dgm_cli.own import With, load_files
from dgm_core.errors import ConfigurationError, unknown

if TYPE_CHECKING:
    from studies.replay import Method, Recording, ReplayOutcome, TrainingTable

_APART = 1_000_003
"""Between the seeds of random search and those of the others, which may start with random trials."""
_COUNT = re.compile("0*[1-9][0-9]{0,8}")
_MORE = 4
"""Trials of random search, in terms of the others', so that it can be given as much cost."""


def replay(
    tables: Annotated[
        list[Path],
        typer.Argument(help="CSV or Parquet files with a row for each training.", metavar="TABLE…"),
    ],
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
        str | None,
        typer.Option(help="Samplers (see dgm list samplers), separated by commas (default: a search's)."),
    ] = None,
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
    first_seed: Annotated[
        int, typer.Option(help="Seed of the first search; take fresh seeds to report what others selected.")
    ] = 0,
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
    """Search tables of recorded trainings: how much better than random is each method?

    Tries every combination of the given samplers, rules and numbers, under the logical clock of a study.
    With several tables it also prints the means over all of them.  Tables that scripts/record wrote know
    their columns: --error, --cost, --iterations and --settings are then for the others.
    """
    from dgm_cli.replay_facts import choice_words, rungs_table
    from dgm_cli.replay_tables import NOTE, OVERALL_NOTE, overall_table, rows_table
    from studies.records.words import counted
    from studies.replay import Recording, overall
    from studies.replay.columns import numbers
    from studies.replay.simulate import check
    from studies.samplers import DEFAULT_SAMPLER

    at_least("seeds", seeds, 2)
    at_least("workers", workers, 1)
    at_least("first-seed", first_seed, 0)
    load_files(files)
    counts = [_count("trials", text) for text in trials.split(",")]
    methods = _methods(
        samplers or DEFAULT_SAMPLER, early_stopping, startup_trials, grace_period, reduction_factor
    )
    names = [name.strip() for name in settings.split(",")] if settings else []
    columns = {"error": error, "cost": cost, "iterations": iterations, "settings": names}
    recordings = [Recording.read(path) for path in tables]
    read = [_table(recording, columns, alone=len(tables) == 1) for recording in recordings]
    judged = [numbers(each.name, each.column(chosen_by)) for each in recordings] if chosen_by else []
    keys = list(dict.fromkeys(key for each in read for key in each.space))
    first = [_known(text, keys) for text in start_from or ()]
    for each, method in product(read, methods):
        check(each, method, max(counts))
    summaries, searched = [], []
    for place, each in enumerate(read):
        messages.print(f"{each.name}: {counted(len(each.errors), 'training')}, best error {each.best:.3g}")
        if chosen_by:
            for line in choice_words(each.errors, judged[place], chosen_by):
                messages.print(line, soft_wrap=True)
        if facts:
            if each.rungs:
                messages.print(rungs_table(each))
            continue
        outcomes, random = _searched(
            each, methods, range(first_seed, first_seed + seeds), max(counts), workers, first
        )
        searched.append((outcomes, random))
        summaries.append(_summary(each, outcomes, random, counts))
        messages.print(rows_table(summaries[-1]["rows"]))
    if facts:
        return 0
    messages.print(NOTE, soft_wrap=True)
    if len(read) == 1:
        told = summaries[0]
    else:
        told = {"tables": summaries, "overall": overall(searched, counts)}
        messages.print(overall_table(told["overall"]))
        messages.print(OVERALL_NOTE, soft_wrap=True)
    if as_json:
        print_json(_plain(told))
    return 0


def _table(recording: Recording, columns: dict[str, Any], *, alone: bool) -> TrainingTable:
    """A table by the columns that are given; among others one that names its own is read by these."""
    from studies.replay import TrainingTable

    own = recording.about is not None and not alone
    return TrainingTable.read(recording, **({} if own else columns))


def _searched(
    table: TrainingTable,
    methods: list[Method],
    seeds: range,
    trials: int,
    workers: int,
    first: list[dict[str, Any]],
) -> tuple[list[ReplayOutcome], ReplayOutcome]:
    """The searches of each method, and those at random."""
    from studies.records.words import counted
    from studies.replay import Method, replay

    start_from = [{key: value for key, value in known.items() if key in table.space} for known in first]
    random = replay(
        table,
        Method("random"),
        seeds=range(_APART, _APART + 2 * len(seeds)),
        trials=_MORE * trials,
        workers=workers,
    )
    outcomes = []
    for method in methods:
        messages.print(f"{method}: {counted(len(seeds), 'search', 'searches')} of {counted(trials, 'trial')}")
        outcomes.append(
            replay(
                table,
                method,
                seeds=seeds,
                trials=trials,
                workers=workers,
                start_from=[known for known in start_from if known],
            )
        )
    return outcomes, random


def _summary(
    table: TrainingTable, outcomes: list[ReplayOutcome], random: ReplayOutcome, counts: list[int]
) -> dict[str, Any]:
    """What `--json` prints of a table."""
    from studies.replay import anytime, summarise
    from studies.replay.compare import cost_grid

    costs = cost_grid(random, max(counts))
    return {
        "table": table.name,
        "trainings": len(table.errors),
        "best": table.best,
        "rows": summarise(table, outcomes, random, counts),
        "costs": costs,
        "regret": {
            str(outcome.method): [each._asdict() for each in anytime(table, outcome, costs)]
            for outcome in (random, *outcomes)
        },
    }


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
    if not _COUNT.fullmatch(text.strip()):
        raise ConfigurationError(f"--{option} {text.strip()} is not allowed: write numbers such as 24,48.")
    return int(text)


def _plain(value: Any) -> Any:
    """Numbers that JSON has; None for what there is none of."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
