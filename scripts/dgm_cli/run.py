"""`dgm run`: a study, from its question to tables and figures."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dgm_cli.cluster.jobs import CLIENT
from dgm_cli.common import (
    at_least,
    command_line,
    interval,
    messages,
    parse_settings,
    print_json,
    tell_compiler,
)
from dgm_cli.names import check_name, completed
from dgm_cli.notify import ended, notified
from dgm_cli.options import Address, Device, Json, LogTo, Name, Notify, Out, RayDashboard, TrialTimeout
from dgm_cli.own import With, is_file, load_files, named
from dgm_cli.places import Storage
from dgm_cli.submit import submit_instead
from dgm_core.collecting import uncollected
from studies.hints import left_hint, quoted, report_hint
from studies.signals import check_asked, closing, going_on

TrialCpus = Annotated[float | None, typer.Option(help="Cores of each trial; by default the study's own.")]
TrialGpus = Annotated[
    float | None, typer.Option(help="GPUs of each trial, or a fraction of one; by default they are shared.")
]
TrialMemory = Annotated[float | None, typer.Option(metavar="GIB", help="Memory that each trial reserves.")]


def run(
    context: typer.Context,
    study: Annotated[
        str,
        typer.Argument(
            help="A study's name, see `dgm list`, or its file.", autocompletion=lambda: completed("study")
        ),
    ],
    files: With = None,
    trials: Annotated[int | None, typer.Option(help="Trials of a search.")] = None,
    replicates: Annotated[int | None, typer.Option(help="Seeds each trial trains at once.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="What suggests a search's settings, see `dgm list samplers`.")
    ] = None,
    early_stopping: Annotated[
        str | None, typer.Option(help="What stops a search's trials early, see `dgm list samplers`.")
    ] = None,
    searcher: Annotated[
        str | None,
        typer.Option(help="A searcher of Ray Tune's: the search goes by the order in which results arrive."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A scheduler of Ray Tune's (asha, median, fifo), by arrival too.")
    ] = None,
    confirmations: Annotated[
        int | None, typer.Option(help="Fresh seeds that confirm a search's winner and its baseline.")
    ] = None,
    confirm_top: Annotated[
        int | None, typer.Option(help="How many of a search's best trials are confirmed.")
    ] = None,
    audit: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Of a search's cost, for stopped trials trained to their ends."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Train the way from baseline to winner one setting at a time.")
    ] = False,
    start_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE",
            help="A run, a TOML file or KEY=VALUE,…: settings of a search's first trials; repeatable.",
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Search as a run did: its sampler, stops, trials, seed, limits."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the whole study; by default 0.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A short look: smaller space, fewer trials.")
    ] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Fix a setting; repeatable.")
    ] = None,
    arms: Annotated[
        str | None, typer.Option(help="Arms of an ablation, separated by semicolons or commas.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="Iterations of every arm of an ablation.")] = None,
    tuned_rate: Annotated[
        bool, typer.Option("--tuned-rate", help="Tune every arm's learning rate before comparing.")
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(
            help="Seconds on the wall after which a search is cut short, in place of its own limit."
        ),
    ] = None,
    out: Out = Path("results"),
    name: Name = None,
    cores: Annotated[int | None, typer.Option(help="Cores to use; by default all.")] = None,
    device: Device = "auto",
    address: Address = "local",
    storage: Storage = None,
    trial_cpus: TrialCpus = None,
    trial_gpus: TrialGpus = None,
    trial_memory: TrialMemory = None,
    trial_timeout: TrialTimeout = None,
    dashboard: RayDashboard = False,
    log_to: LogTo = None,
    notify: Notify = None,
    as_json: Json = False,
) -> int:
    """Run a study."""
    if address.startswith(CLIENT):
        # Trials answer to the process that runs the study, which is therefore made a job of the cluster's.
        return submit_instead(context, study, sys.argv[2:])
    counts = {"trials": trials, "replicates": replicates, "cores": cores, "iterations": iterations}
    for option, value in counts.items():
        at_least(option, value, 1)
    at_least("seed", seed, 0)
    check_name(study, "study", files=files)
    from studies.tune.session import begin_ray, check_cores

    there, begun = check_cores(cores, address=address), None
    if address == "local" and not files and not is_file(study):
        # Before anything that takes time to import; a user's file may change the environment first.
        begun = context.with_resource(begin_ray(there, dashboard=dashboard))
        context.with_resource(closing(begun.close))
    with uncollected():
        from studies.catalog import STUDIES, load_study
        from studies.running.runner import Options, run_study
        from studies.study import Edits

    load_files(files)
    study = named(STUDIES, study)
    asked = {"cpus": trial_cpus, "gpus": trial_gpus, "memory_gib": trial_memory, "timeout": trial_timeout}
    edits = Edits(
        quick=quick,
        settings=parse_settings(settings or []),
        replicates=replicates,
        resources={key: value for key, value in asked.items() if value is not None},
        trials=trials,
        confirmations=confirmations,
        confirm_top=confirm_top,
        audit=audit,
        explain=explain or None,
        time_limit=time_limit,
        sampler=sampler,
        early_stopping=early_stopping,
        searcher=searcher,
        scheduler=scheduler,
        start_from=None if start_from is None else [_start(text) for text in start_from],
        arms=arms,
        iterations=iterations,
        tuned_rate=tuned_rate or None,
    )
    chosen = load_study(study)
    if like is not None:
        chosen, seed = _like(chosen, like, seed)
    chosen = edits.of(chosen, option=lambda name: f"--{name.replace('_', '-')}")
    options = Options(
        out=out,
        run=name,
        seed=seed or 0,
        quick=quick,
        cores=cores,
        device=device,
        address=address,
        begun=begun,
        storage=storage,
        dashboard=dashboard,
        log_to=tuple(log_to or ()),
        command=command_line(),
        console=messages,
    )
    tell_compiler()
    with notified(notify) as ending:
        folder = run_study(chosen, options)
        ended(ending, folder)
        return finish(folder, as_json)


def _like(chosen: Any, run: Path, seed: int | None) -> tuple[Any, int]:
    """The study as a run was run, and that one's seed where none is given."""
    from studies.records.opening import open_run
    from studies.running.starting import like

    record = open_run(run)
    return like(chosen, record), record.seed if seed is None else seed


def _start(text: str) -> str | dict[str, Any]:
    """A place, or settings as they are given."""
    if "=" not in text or Path(text).exists():
        return text
    return parse_settings(text.split(","), option="--start-from")


def finish(folder: Path, as_json: bool) -> int:
    """Reports on a run folder; the exit code."""
    from dgm_cli.report import remade
    from studies.records import read_study

    record = read_study(folder)
    shown = quoted(folder)
    if record.state == "interrupted":
        messages.print(f"dgm: {left_hint(folder)}", soft_wrap=True)
    else:
        _summary(record)
        with going_on(lambda: f"the study is {record.state}; {report_hint(folder)}"):
            check_asked()  # as the last trial ended
            remade(folder)
        _tell_verdict(folder)
        places = f"Tables: {shown}/tables · figures: {shown}/figures · report: {shown}/report.html"
        messages.print(places, soft_wrap=True)
    failed = tell_failures(folder)
    if as_json:
        print_json(summary(folder))
    return {"interrupted": 130, "failed": 1}.get(record.state, int(failed > 0))


def _tell_verdict(folder: Path) -> None:
    """The verdict on a run folder that has its tables."""
    from analysis.budgets import verdicts
    from analysis.load import load_run

    for said in verdicts(load_run(folder)):
        messages.print(said, soft_wrap=True)


def tell_failures(folder: Path) -> int:
    """Names the trials that failed, with their causes; how many there are."""
    from studies.records import FAILURES
    from studies.records.history import read_history
    from studies.records.words import counted

    failed = [entry for entry in read_history(folder).entries.values() if entry.status == "failed"]
    for entry in failed[:5]:
        messages.print(f"Failed: {entry.trial}: {entry.error}")
    if failed:
        messages.print(
            f"{counted(len(failed), 'trial')} failed; tracebacks are in {quoted(folder / FAILURES)}"
        )
    return len(failed)


def summary(folder: Path) -> dict[str, Any]:
    """What `--json` prints of a run."""
    from analysis.budgets import verdicts
    from analysis.load import load_run
    from analysis.scores import headlines
    from analysis.tables import counts_table
    from analysis.tables.search import STATUSES
    from analysis.tables.solving import solved_rows

    run = load_run(folder)
    found = headlines(run.trials)
    record, counts = run.study, counts_table(run).iloc[0]
    outcomes = {"winner": record.winner, "baseline": record.confirmed_baseline}
    told = {
        name: {
            "trial": each.trial,
            "config": each.config,
            "score": each.score,
            "rel_l2": each.rel_l2,
            "solved": solved_rows(record, found[name]) or None,
        }
        for name, each in outcomes.items()
        if each is not None and name in found
    }
    return {
        "run": str(folder),
        "study": record.name,
        "state": record.state,
        "trials": int(counts["run"]),
        **{status: int(counts[status]) for status in STATUSES},
        "iterations_run": record.iterations_run,
        "iterations_asked": record.iterations_asked,
        "seconds": record.seconds,
        "metric": record.metric,
        "winner": told.get("winner"),
        "baseline": told.get("baseline"),
        "verdict": " ".join(verdicts(run)) or None,
    }


def _summary(record: Any) -> None:
    if record.kind != "search":
        return
    if record.state == "failed":
        messages.print("The winner is not confirmed, so there is no result.")
        return
    if record.winner is None:
        messages.print("No trial completed, so there is no winner: give the search more trials.")
        return
    from studies.records import LABELS
    from studies.records.intervals import median_coverage
    from studies.records.terminal import Column, fits, table
    from studies.records.words import counted

    keys, name = list(record.space), LABELS[record.metric]
    n = record.winner.score["n"]
    interval_title = f"its interval (covers {100 * median_coverage(n):.1f} %)" if n > 1 else "no interval"
    title = f"Confirmed on {counted(n, 'fresh seed')}: median {name} and {interval_title}"
    rows = [(f"winner (trial {record.winner.trial})", record.winner), ("baseline", record.confirmed_baseline)]
    cells = [
        [label, *(_cell(record.space, key, outcome.config) for key in keys), interval(outcome.score)]
        for label, outcome in rows
    ]
    heads = ["settings", *(key.replace("_", " ") for key in keys), name]
    columns = [Column(head, own) for head, own in zip(heads, zip(*cells, strict=True), strict=True)]
    if not fits(columns, messages.width):  # many settings: a line for each
        columns = [Column(own[0], own[1:]) for own in (heads, *cells)]
    messages.print(table(columns, messages.width, title=title, fold=True))


def _cell(space: Mapping[str, Any], key: str, config: Mapping[str, Any]) -> str:
    """A setting; empty where the others leave it without a meaning."""
    from studies.records.spaces import present

    value = config[key] if present(space, key, config) else ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
