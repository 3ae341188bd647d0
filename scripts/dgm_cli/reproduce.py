"""`dgm reproduce`: the paper's results, all in one table."""

from __future__ import annotations

import math
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict

from dgm_cli.common import MOST_SEED, at_least, command_line, messages, print_json, tell_compiler
from dgm_cli.names import check_name
from dgm_cli.notify import ended_with, notified
from dgm_cli.options import Json, Name, Notify, Out, Replicates, ReplicateSeed
from dgm_cli.own import With, load_files, trusted
from dgm_cli.solve import resume_with_progress, solve_with_progress
from dgm_core.errors import ConfigurationError
from studies.hints import quoted, resume_hint
from studies.records import SOURCES, SourcesRecord
from studies.signals import going_on

if TYPE_CHECKING:
    from dgm_core import Setup

QUICK_SHARE = 0.02
QUICK_LEAST = 200
REPRODUCTION = "reproduction.json"
RUN = "run"
"""Name of each problem's run in a reproduction."""


class Reproduction(BaseModel):
    """What a reproduction was asked, to go on with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problems: list[str]
    settings: str
    quick: bool
    replicates: int
    seed: int
    command: str
    sources: SourcesRecord = SourcesRecord()


def reproduce(
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help=f"{100 * QUICK_SHARE:g} % of the iterations, {QUICK_LEAST} at least; no verdict."
        ),
    ] = False,
    problems: Annotated[
        str | None, typer.Option(help="Solve only these problems, separated by commas.")
    ] = None,
    settings: Annotated[str, typer.Option(help="Settings by name: paper or tuned.")] = "paper",
    replicates: Replicates = 5,
    seed: ReplicateSeed = 0,
    out: Out = Path("results"),
    name: Name = None,
    notify: Notify = None,
    as_json: Json = False,
    files: With = None,
) -> int:
    """Solve the paper's problems with the paper's settings, and compare the errors."""
    at_least("replicates", replicates, 1)
    at_least("seed", seed, 0, MOST_SEED)
    asked_for = None if problems is None else [key.strip() for key in problems.split(",")]
    for key in asked_for or ():
        check_name(key, "problem", files=files)
    load_files(files)
    from dgm_core import PROBLEMS, Setup, load_problem
    from dgm_core.extensions import Sources
    from studies.records.files import replacing
    from studies.records.folders import make_folder
    from studies.sources import sources_record

    offered = [key for key in PROBLEMS if settings in PROBLEMS.get(key).settings]
    if not offered:
        raise ConfigurationError(f"no problem has settings called {settings!r}: try paper or tuned.")
    chosen = offered if asked_for is None else asked_for
    for key in chosen:
        Setup.named(load_problem(key), settings)
    sources = Sources.loaded()
    asked = Reproduction(
        problems=chosen,
        settings=settings,
        quick=quick,
        replicates=replicates,
        seed=seed,
        command=command_line(),
        sources=sources_record(sources),
    )
    folder = make_folder(out, "reproduce", name)
    with notified(notify) as ending, going_on(partial(_again, folder)):
        sources.write(folder / SOURCES)
        with replacing(folder / REPRODUCTION) as file:
            file.write((asked.model_dump_json(indent=2) + "\n").encode())
        code = _train_all(folder, asked, as_json=as_json)
        ended_with(ending, folder, code)
        return code


def resume_reproduction(folder: Path, *, trust: bool, as_json: bool) -> int:
    """Goes on with a reproduction: problems that are done are not solved again."""
    try:
        asked = Reproduction.model_validate_json((folder / REPRODUCTION).read_text())
    except (OSError, ValueError):
        raise ConfigurationError(f"{folder / REPRODUCTION} is damaged: it is not a reproduction.") from None
    trusted(folder, asked.sources, trust)
    from studies.sources import load_kept

    load_kept(folder, asked.sources)
    folder = folder.absolute()
    with going_on(partial(_again, folder)):
        return _train_all(folder, asked, as_json=as_json)


def _again(folder: Path) -> str:
    from studies.records.folders import discard_folder

    if (folder / REPRODUCTION).is_file():
        return f"what was done is kept; {resume_hint(folder)}"
    discard_folder(folder)
    return "nothing was begun."


def _train_all(folder: Path, asked: Reproduction, *, as_json: bool) -> int:
    import pandas as pd

    from analysis.tables import markdown, write
    from dgm_core import Setup, load_problem

    tell_compiler()
    rows: list[dict[str, Any]] = []
    interrupted = False
    for key in asked.problems:
        setup = Setup.named(load_problem(key), asked.settings)
        full = setup.config.iterations
        if asked.quick:
            setup = setup.shortened(max(QUICK_LEAST, round(full * QUICK_SHARE)))
        outcome = _solved(folder, key, setup, asked)
        interrupted = outcome["status"] == "interrupted"
        if interrupted:
            messages.print(f"dgm: interrupted; {_again(folder)}", soft_wrap=True)
            break
        rows.append(_row(key, asked.settings, setup, outcome, full))
    if rows:
        table = pd.DataFrame(rows)
        write(folder, "table", table)
        messages.print(markdown(table), soft_wrap=True)
        messages.print(
            f"Table: {quoted(folder)}/table.md, .csv and .tex; figures in each problem's folder beside it"
        )
    if as_json:
        print_json({"run": str(folder), "rows": rows})
    return 130 if interrupted else 0


def _solved(folder: Path, key: str, setup: Setup, asked: Reproduction) -> dict[str, Any]:
    """A problem's outcome: as it is kept, gone on with, or begun."""
    from dgm_cli.report import remade
    from studies.records import REPORT, STUDY
    from studies.running.resume import read_run
    from studies.running.solve_outcome import kept_outcome

    run = folder / f"solve-{key}" / RUN
    if not (run / STUDY).is_file():
        shutil.rmtree(run, ignore_errors=True)  # of a process that was killed before it had begun
        solved = solve_with_progress(
            setup,
            out=folder,
            run=RUN,
            seed=asked.seed,
            replicates=asked.replicates,
            settings=asked.settings,
            quick=asked.quick,
            command=asked.command,
        )
        return solved.summary
    record = read_run(run)
    if record.state == "finished":
        if not (run / REPORT).is_file():
            remade(run)
        return kept_outcome(run)
    return resume_with_progress(run, record).summary


def _row(key: str, settings: str, setup: Any, outcome: dict[str, Any], full: int) -> dict[str, Any]:
    mae = outcome["mae"]
    return {
        "problem": key,
        "settings": settings,
        "iterations": setup.config.iterations,
        "paper_mae": setup.problem.reported_mae,
        "mae": mae["median"],
        "mae_low": mae["low"],
        "mae_high": mae["high"],
        "n": mae["n"],
        "diverged": mae["diverged"],
        "seconds": outcome["seconds"],
        "verdict": verdict(setup.problem.reported_mae, mae, setup.config.iterations / full),
    }


def verdict(paper: float | None, mae: dict[str, Any], share: float) -> str:
    """What our interval says of the paper's error, in words."""
    if share < 1:
        return f"shortened to {share:.0%} of the iterations: no verdict"
    if mae["median"] is None:
        return "diverged"
    if paper is None:
        return "the paper reports no error"
    factor = paper / mae["median"]
    if mae["n"] == 1:
        return f"one seed, no interval: {_times(factor)} the paper's"
    low = mae["low"] if mae["low"] is not None else mae["median"]
    high = mae["high"] if mae["high"] is not None else math.inf
    if high < paper:
        return f"reached: {_times(factor)} the paper's"
    if low > paper:
        return f"not reached: {_times(factor)} the paper's"
    return "agrees: the paper's error lies within our interval"


def _times(factor: float) -> str:
    """How an error compares that is smaller by `factor`, in words."""
    larger = max(factor, 1.0 / factor)
    times = f"{float(f'{larger:.3g}'):,g} times"
    return f"{times} smaller than" if factor > 1 else times
