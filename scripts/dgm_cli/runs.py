"""What is known of runs, and done with them: `dgm status`, `dgm stop`, `dgm clean`, `dgm list runs`."""

from __future__ import annotations

import math
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from dgm_cli.common import Messages, messages, output, print_json
from dgm_cli.options import Json
from dgm_cli.places import Place, glance
from dgm_cli.verdicts import best_line, best_words, verdicts_of
from dgm_core.errors import ConfigurationError
from studies.errors import StudyError
from studies.hints import quoted, resume_command, resume_hint
from studies.records.terminal import Column, table

if TYPE_CHECKING:
    from studies.records.history import Entry
    from studies.records.overview import Overview

Run = Annotated[Path, typer.Argument(help="A run folder.")]

_STOP_SECONDS = 120.0
_POLISH_KEYS = {"iterations", "done", "of"}


def status(
    place: Place,
    as_json: Json = False,
) -> None:
    """Show the state of a run: live from another terminal, or afterwards."""
    from studies.records import words

    with glance(place) as folder:
        overview = _read(folder)
    if as_json:
        print_json({"run": place, **_values(overview)})
        return
    console = output()
    record = overview.record
    who = f", by {overview.owner}" if overview.owner is not None else ""
    console.print(f"{record.name}/{record.run}: {overview.state}{who}", soft_wrap=True)
    phases = Table("phase", "trials", "states", box=None, pad_edge=False, header_style="bold")
    for phase, states in overview.phases.items():
        said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        phases.add_row(phase, str(sum(states.values())), said)
    console.print(phases)
    if said := words.rungs(overview.rungs):
        console.print(said, soft_wrap=True)
    if said := best_line(overview):
        console.print(said, soft_wrap=True)
    for said in verdicts_of(overview):
        console.print(f"verdict: {said}", soft_wrap=True)
    if overview.owner is not None:
        _print_running(overview, console)
    for entry in overview.history.entries.values():
        if entry.error is not None:
            console.print(f"failed: {entry.trial}: {entry.error}", soft_wrap=True)
    rate = "" if overview.rate is None else f" · {overview.rate:.2g} trials a minute"
    left = (
        ""
        if overview.left is None or overview.owner is None
        else f" · about {words.clock(overview.left)} left"
    )
    ended = f"{words.share(overview.ended, record.trials_asked, 'trial')} ended"
    console.print(f"{ended} · {words.clock(overview.seconds)}{rate}{left}")
    if overview.state in ("killed", "interrupted"):
        console.print(f"{overview.state.capitalize()}; {resume_hint(place)}", soft_wrap=True)


def _print_running(overview: Overview, console: Messages) -> None:
    """The trials under way, as their last rung has them."""
    from studies.records import words

    entries = [entry for entry in overview.history.entries.values() if entry.running]
    if not entries:
        return
    telemetry = zip(*(words.telemetry(entry.telemetry) for entry in entries), strict=True)
    columns = [
        Column("running", [entry.trial for entry in entries]),
        Column("at its last rung", [_place(entry) for entry in entries], right=True),
        *(
            Column(title, cells, right=True, spare=spare)
            for spare, (title, cells) in enumerate(zip(("it/s", "MiB", "eval."), telemetry, strict=True), 1)
        ),
    ]
    console.print(table(columns, console.width))


def _place(entry: Entry) -> str:
    from studies.records import words

    at = f"{entry.iterations:,} / {entry.asked:,}"
    if (polish := entry.polishing) is not None:
        at = f"{polish.iterations:,} / {entry.asked:,}, polishing: {polish.done:,} / {polish.of:,}"
    if entry.paused:
        at += ", paused"
    if entry.silent_since is not None:
        at += f", silent for {words.clock(time.time() - entry.silent_since)}"
    return at


def _values(overview: Overview) -> dict[str, object]:
    best, winner = overview.best, overview.record.winner
    return {
        "study": overview.record.name,
        "state": overview.state,
        "owner": None if overview.owner is None else str(overview.owner),
        "phases": {phase: dict(states) for phase, states in overview.phases.items()},
        "rungs": {str(rung): list(counts) for rung, counts in overview.rungs.items()},
        "best": None if best is None else _best(best),
        "winner": None if winner is None else {"trial": winner.trial, "score": winner.score},
        "verdict": " ".join(verdicts_of(overview)) or None,
        "running": {
            entry.trial: {
                "iterations": entry.iterations,
                "asked": entry.asked,
                "paused": entry.paused,
                "polishing": entry.polishing and entry.polishing.model_dump(include=_POLISH_KEYS),
                **entry.telemetry,
            }
            for entry in overview.history.entries.values()
            if entry.running
        },
        "ended": overview.ended,
        "asked": overview.record.trials_asked,
        "seconds": overview.seconds,
        "seconds_left": overview.left,
    }


def _best(entry: Entry) -> dict[str, object]:
    spread = [value if math.isfinite(value) else None for value in entry.spread]
    return {"trial": entry.trial, "score": entry.measured and entry.measured.score, "spread": spread}


def stop(run: Run) -> None:
    """Stop a live run, as Ctrl-C in its terminal does: finished work is kept."""
    owner = _read(run).owner
    if owner is None:
        raise ConfigurationError(f"{run} is not running.")
    if owner.host != socket.gethostname():
        raise StudyError(f"{run} runs on {owner.host}: stop it there.")
    os.kill(owner.process, signal.SIGTERM)
    messages.print(f"Asked {owner} to stop.")
    from studies.records.lock import holder

    deadline = time.monotonic() + _STOP_SECONDS
    while holder(run) is not None:
        if time.monotonic() > deadline:
            raise StudyError(f"{run} has not stopped within {_STOP_SECONDS:.0f} s.")
        time.sleep(0.2)
    messages.print(f"Stopped; {resume_hint(run)}")


def clean(run: Run) -> None:
    """Remove what reports and reruns do not need: checkpoints, Ray's files, parts of finished curves.

    Refuses a run that can still be resumed, because its trials would have to start again.
    """
    overview = _read(run)
    if overview.owner is not None:
        raise StudyError(f"{run} is in use by {overview.owner}.")
    if overview.state in ("killed", "interrupted"):
        raise ConfigurationError(f"{run} is {overview.state}: finish it with {resume_command(run)} first.")
    from studies.records import CHECKPOINTS, PIECES, RAY

    freed = 0
    for name in (CHECKPOINTS, PIECES, RAY):
        freed += sum(path.lstat().st_size for path in (run / name).rglob("*") if path.is_file())
        shutil.rmtree(run / name, ignore_errors=True)
    messages.print(f"{freed / 1e6:.1f} MB removed from {quoted(run)}")


def list_runs(out: Path = Path("results")) -> None:
    """Lists the runs under a folder: state, trials, best, and the verdicts on those that are finished."""
    from studies.records.overview import runs

    rows: list[tuple[str, ...]] = []
    told: list[str] = []
    for run in runs(out):
        try:
            overview = _read(run)
        except (ConfigurationError, StudyError) as error:
            rows.append((str(run), "", "unreadable", "", str(error), ""))
            continue
        if said := " ".join(verdicts_of(overview)):
            told.append(f"{run}: {said}")
        rows.append(
            (
                str(run),
                overview.record.kind,
                overview.state,
                f"{overview.ended} of {overview.record.trials_asked}",
                best_words(overview),
                overview.record.started,
            )
        )
    if not rows:
        raise ConfigurationError(f"there is no run under {out}.")
    names = {"run": 0, "kind": 2, "state": 0, "trials": 1, "best": 0, "started": 3}
    columns = [
        Column(name, cells, spare=spare)
        for (name, spare), cells in zip(names.items(), zip(*rows, strict=True), strict=True)
    ]
    console = output()
    console.print(table(columns, console.width, fold=True))
    for said in told:
        console.print(said, soft_wrap=True)


def _read(run: Path) -> Overview:
    from studies.records.overview import overview

    return overview(run)
