"""What `dgm run` and `dgm resume` say of a run when it has ended: winner, verdict, failures, and `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgm_cli.common import interval, messages, print_json
from studies.hints import left_hint, quoted, report_hint
from studies.signals import check_asked, going_on

if TYPE_CHECKING:
    import pandas as pd


def finish(folder: Path, as_json: bool) -> int:
    """Reports on a run folder; the exit code."""
    from dgm_cli.report import remade
    from studies.records import read_study

    record = read_study(folder)
    shown = quoted(folder)
    if record.state == "interrupted":
        messages.print(f"dgm: {left_hint(folder)}", soft_wrap=True)
    else:
        _tell_outcome(record)
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

    for sentence in verdicts(load_run(folder)):
        messages.print(sentence, soft_wrap=True)


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
    from analysis.tables import counts_table, flatness_table, importance_table
    from analysis.tables.search import STATUSES
    from analysis.tables.solving import solved_rows

    run = load_run(folder)
    rows = headlines(run.trials)
    record, counts = run.study, counts_table(run).iloc[0]
    asked = {"importance": importance_table, "flatness": flatness_table} if record.kind == "search" else {}
    outcomes = {"winner": record.winner, "baseline": record.confirmed_baseline}
    confirmed = {
        name: {
            "trial": each.trial,
            "config": each.config,
            "score": each.score,
            "rel_l2": each.rel_l2,
            "solved": solved_rows(record, rows[name]) or None,
        }
        for name, each in outcomes.items()
        if each is not None and name in rows
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
        "winner": confirmed.get("winner"),
        "baseline": confirmed.get("baseline"),
        "verdict": " ".join(verdicts(run)) or None,
        **{name: _rows(make(run)) for name, make in asked.items()},
    }


def _remedy(record: Any) -> str:
    """What to try where no trial came to its own end."""
    more = "give the search more trials"
    by_arrival = record.scheduler.get("order") == "arrival"
    return f"{more}, or its scheduler a max_t that no trial reaches" if by_arrival else more


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, with None for what there is none of."""
    known = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in known.to_dict("records")]


def _tell_outcome(record: Any) -> None:
    """The winner beside the baseline, as the search confirmed them; nothing for an ablation."""
    if record.kind != "search":
        return
    if record.state == "failed":
        messages.print("The winner is not confirmed, so there is no result.")
        return
    if record.winner is None:
        messages.print(f"No trial completed, so there is no winner: {_remedy(record)}.")
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
    columns = [Column(head, column) for head, column in zip(heads, zip(*cells, strict=True), strict=True)]
    if not fits(columns, messages.width):  # many settings: a line for each
        columns = [Column(row[0], row[1:]) for row in (heads, *cells)]
    messages.print(table(columns, messages.width, title=title, fold=True))


def _cell(space: Mapping[str, Any], key: str, config: Mapping[str, Any]) -> str:
    """A setting; empty where the others leave it without a meaning."""
    from studies.records.spaces import present

    value = config[key] if present(space, key, config) else ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
