"""`dgm solve`: one problem with one configuration, in this process."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dgm_cli.common import (
    MOST_REPLICATES,
    MOST_SEED,
    at_least,
    command_line,
    interval,
    messages,
    parse_settings,
    print_json,
    tell_compiler,
)
from dgm_cli.names import check_name, completed
from dgm_cli.notify import LONG_SECONDS, ended, notified
from dgm_cli.options import Device, Json, Name, Notify, Out, ReplicateSeed, TrialTimeout
from dgm_cli.own import With, load_files, named
from dgm_core.errors import ConfigurationError, counted
from studies.hints import left_hint, quoted, report_hint
from studies.signals import check_asked, going_on

if TYPE_CHECKING:
    from dgm_core import Problem, Setup
    from dgm_core.training import TrainingProgress
    from studies.records import StudyRecord
    from studies.running.solve import Solved


LOGGED = 20
"""Lines that a solve writes to a log file, where there is no terminal for a bar."""
POLISH_LOGGED = 5
"""More of them for each polish."""


def solve(
    problem: Annotated[
        str,
        typer.Argument(
            help="A problem's name (see `dgm list`) or its file.",
            autocompletion=lambda: completed("problem"),
        ),
    ],
    files: With = None,
    settings_name: Annotated[
        str | None, typer.Option("--settings", help="Settings by name: paper, tuned, …")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; repeatable.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.toml|RUN[:TRIAL]",
            help="All settings from a TOML file or a run (its winner, or the trial or arm named).",
        ),
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="Number of iterations.")] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="MODEL.pt", help="Start from the weights and settings of a saved model."
        ),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(help="Seeds to train at once (default: 5, or as many as --from has).")
    ] = None,
    seed: ReplicateSeed = 0,
    out: Out = Path("results"),
    name: Name = None,
    device: Device = "auto",
    save_model: Annotated[Path | None, typer.Option(help="Save the trained networks to this file.")] = None,
    trial_timeout: TrialTimeout = None,
    notify: Notify = None,
    as_json: Json = False,
) -> int:
    """Solve a problem and compare the solution with its reference."""
    at_least("replicates", replicates, 1, MOST_REPLICATES)
    at_least("seed", seed, 0, MOST_SEED)
    if trial_timeout is not None and not trial_timeout > 0:
        raise ConfigurationError(f"--trial-timeout {trial_timeout:g} is not allowed: it must be above 0.")
    check_name(problem, "problem", files=files)
    from dgm_core import PROBLEMS, Setup, load_problem

    load_files(files)
    problem = named(PROBLEMS, problem)
    chosen = load_problem(problem)
    if config is not None and settings_name is not None:
        raise ConfigurationError("--config and --settings exclude each other: give one of them.")
    if start is not None:
        from studies.running.start import setup_of

        saved, count = setup_of(start)
        replicates = count if replicates is None else replicates
    if config is not None:
        label, setup = _configured(config, chosen)
    elif start is not None and settings_name is None:
        label, setup = start.name, saved
    else:
        label = settings_name or chosen.default_settings
        setup = Setup.named(chosen, label)
    named_setup, replicates = setup, 5 if replicates is None else replicates
    if iterations is not None:
        setup = setup.shortened(iterations)
    setup = setup.changed(parse_settings(settings or []))
    if setup != named_setup:
        label += ", changed"
    if iterations is not None and (notice := shortening(named_setup, setup)):
        messages.print(notice)
    tell_compiler()
    with notified(notify) as ending:
        tell_long(setup, replicates)
        solved = solve_with_progress(
            setup,
            out=out,
            run=name,
            seed=seed,
            replicates=replicates,
            settings=label,
            command=command_line(),
            model=save_model,
            device=device,
            timeout=trial_timeout,
            start=start,
        )
        ended(ending, solved.folder)
        return finish_solve(solved, as_json)


def tell_long(setup: Setup, replicates: int) -> None:
    """Says beforehand that a training may take more than ten minutes."""
    from studies.preflight.checks.cost import training_seconds, words

    seconds = training_seconds(setup, replicates)
    if seconds > LONG_SECONDS:
        messages.print(
            f"Notice: about {words(seconds)} on one core, roughly; --notify CMD calls a command at the end.",
            soft_wrap=True,
        )


def shortening(start: Setup, setup: Setup) -> str:
    """What `--iterations` makes of windows and polish, in a sentence; empty where there are neither."""
    full, short = start.config, setup.config
    if (full.windows == 1 and not full.polish_iterations) or full.iterations <= short.iterations:
        return ""
    length = f"{short.iterations:,} of {counted(full.iterations, 'iteration')}"
    if full.windows > 1:
        length += f", over {counted(short.windows, 'window')}"
    if short.polish_iterations:
        length += f", and a polish of at most {short.polish_iterations:,}"
        length += f" in place of {full.polish_iterations:,}"
        length += " in each" if short.windows > 1 else ""
        return f"Shortened: {length} (--set polish=none leaves it out)."
    return f"Shortened: {length}{', and no polish' if full.polish_iterations else ''}."


def _configured(config: str, problem: Problem) -> tuple[str, Setup]:
    """The settings that `--config` names, with a label for the records."""
    from dgm_core.training.settings_file import read_settings, setup_from_values
    from studies.records.opening import open_run
    from studies.records.setups import recorded_setup

    if config.endswith(".toml"):
        return Path(config).name, read_settings(Path(config), problem)
    folder, _, trial = config.partition(":") if not Path(config).is_dir() else (config, "", "")
    record = open_run(Path(folder))
    name, values = recorded_setup(record, trial or None)
    return f"{record.name}/{record.run}: {name}", setup_from_values(problem, values, f"{folder}:{name}")


def finish_solve(solved: Solved, as_json: bool) -> int:
    """Says what a solve came to; the exit code."""
    from analysis.verdict import sentence, verdict_of_solve
    from dgm_core import load_problem
    from studies.records import LABELS

    outcome = solved.summary
    verdict = verdict_of_solve(outcome)
    problem, metric = outcome["problem"], outcome["metric"]
    reported = load_problem(problem).reported_mae
    paper = f" (paper: {reported})" if reported is not None else ""
    messages.print(
        f"{problem}: {LABELS[metric]} {interval(outcome['score'])}{paper}, {outcome['seconds']:.1f} s"
    )
    if verdict:
        messages.print(sentence(verdict))
    for constant, estimate in outcome.get("constants", {}).items():
        true = "" if estimate["true"] is None else f", true value {estimate['true']:.5g}"
        messages.print(f"{constant}: {interval(estimate, digits=5)}{true}")
    for note in outcome.get("notes", []):
        messages.print(f"Note: {note}")
    interrupted = outcome["status"] == "interrupted"
    if interrupted:
        messages.print(f"dgm: {left_hint(solved.folder)}", soft_wrap=True)
    else:
        messages.print(f"Tables, figures and report: {quoted(solved.folder)}", soft_wrap=True)
    if as_json:
        print_json({**outcome, "verdict": sentence(verdict) or None})
    return 130 if interrupted else 0


def solve_with_progress(setup: Setup, **options: Any) -> Solved:
    """`studies.running.solve.solve_setup` under a progress bar, with its tables and figures."""
    from studies.running.solve import solve_setup

    return _with_progress(setup, partial(solve_setup, setup, alone=True, tell=_tell, **options))


def _tell(sentence: str) -> None:
    messages.print(sentence, soft_wrap=True)


def resume_with_progress(run: Path, record: StudyRecord) -> Solved:
    """Goes on with a solve, likewise."""
    from studies.running.resume import solve_setup_of
    from studies.running.solve import resume_solve

    setup = solve_setup_of(run, record)
    return _with_progress(setup, partial(resume_solve, setup, run.absolute(), record, alone=True, tell=_tell))


def _with_progress(setup: Setup, train: Callable[..., Solved]) -> Solved:
    from analysis.report import make_report
    from studies.records import LABELS

    score = LABELS[setup.problem.metric]
    progress = _progress(score)
    problem, total = setup.problem.name, setup.config.iterations
    task = progress.add_task(problem, total=total, loss=math.nan, score=math.nan)
    windows = setup.config.windows
    polishes: dict[int, TaskID] = {}  # by time window, while each is under way
    reported: dict[str, int] = {}

    def show(far: TrainingProgress, loss: float, value: float) -> None:
        name = problem
        if far.polishing:
            name += ", polish" + (f" of window {far.window + 1} of {windows}" if windows > 1 else "")
        if messages.is_terminal:
            progress.start()  # not before training has begun: what is refused shows no bar
            for window in [*polishes]:
                if not far.polishing or window != far.window:
                    progress.remove_task(polishes.pop(window))
            bar = task
            if far.polishing:
                progress.update(task, completed=total * (far.window + 1) // windows)
                if far.window not in polishes:
                    polishes[far.window] = progress.add_task(name, total=far.of, loss=loss, score=value)
                bar = polishes[far.window]
            progress.update(bar, completed=far.done, loss=loss, score=value)
            return
        # The beginning of a polish is told too: nothing is known of its length.
        lines, before = (POLISH_LOGGED, -1) if far.polishing else (LOGGED, 0)
        if (share := lines * far.done // far.of) > reported.get(name, before):
            reported[name] = share
            messages.print(f"{name}: {far.done:,} of {far.of:,} · loss {loss:.2e} · {score} {value:.2e}")

    try:
        solved = train(on_progress=show)
    finally:
        if progress.live.is_started:
            progress.stop()
    if solved.summary["status"] != "interrupted":
        with going_on(lambda: f"the training is finished; {report_hint(solved.folder)}"):
            check_asked()  # as the last iteration was trained
            make_report(solved.folder)
    return solved


def _progress(score: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.2e} · " + score + " {task.fields[score]:.2e} · left"),
        TimeRemainingColumn(),
        console=messages,
    )
