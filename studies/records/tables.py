"""The tables of a run that follow from its log alone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from studies.records.files import typed
from studies.records.history import Entry, History
from studies.records.schema import (
    CONFIG,
    CONSTANT,
    DECISION_COLUMNS,
    EXPLOITS,
    OBJECTIVE,
    SAME_AS,
    SCHEDULE,
    TRIAL_COLUMNS,
)


def trials_frame(history: History, terms: Sequence[str], metric: str) -> pd.DataFrame:
    """A row for each trial and replicate, of those that have ended or were left: see TRIAL_COLUMNS.

    terms: of the problem's loss, in the order of the log's losses.  metric: what ranks.  A trial that no
    process will go on with now, because none runs the study, counts as interrupted.
    """
    left = history.state != "running"
    rows = [
        row
        for entry in ordered(history.entries.values())
        if left or not entry.running
        for row in entry_rows(entry, terms, metric)
    ]
    return typed(pd.DataFrame(rows), TRIAL_COLUMNS)


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """Trials in the order of the study's own phases and names, whatever order they ran in."""
    phases = ("search", "tune", "ablation", "confirm", "solve", "rivals", "front", "audit", "path", "revived")
    places = {phase: place for place, phase in enumerate(phases)}
    return sorted(entries, key=lambda entry: (places.get(entry.spec.phase, 9), entry.spec.folder))


def entry_rows(entry: Entry, terms: Sequence[str], metric: str) -> list[dict[str, Any]]:
    """One trial's rows, a replicate each."""
    spec, measured = entry.spec, entry.measured
    settings = {CONFIG + key: plain(value) for key, value in spec.config.items()}
    rows = []
    for k, seed in enumerate(spec.seeds):
        row: dict[str, Any] = {
            "phase": spec.phase,
            "trial": spec.trial,
            "arm": spec.arm,
            "replicate": spec.first + k,
            "seed": seed,
            "status": entry.status or "interrupted",
            "iterations": entry.iterations,
            "iterations_asked": entry.asked,
            "rung": entry.rung,
            "points": entry.points,
            "parameters": None if measured is None else measured.parameters,
            "seconds": None if measured is None else measured.seconds,
            "started": entry.started,
            "ended": entry.ended,
            "error": entry.error,
            "metric": metric,
            **{OBJECTIVE + name: value for name, value in spec.costs.items()},
            **({} if spec.same_as is None else {SAME_AS: spec.same_as}),
            **_on_the_way(entry),
        }
        if measured is not None:
            replicates = measured.replicates
            diverged = replicates.status[k] == "diverged"
            row["status"] = replicate_status(entry, diverged=diverged)
            row["diverged_at"] = replicates.diverged_at[k]
            row["diverged_by"] = replicates.reasons[k] if replicates.reasons else None
            row.update({CONSTANT + name: values[k] for name, values in replicates.constants.items()})
            values = {
                "score": replicates.scores,
                **replicates.errors,
                "mae_batch_statistics": replicates.mae_batch_statistics,
            }
            for name, each in values.items():
                row[name] = None if diverged or each is None else each[k]
            names = ("loss", *(f"loss_{term}" for term in terms))
            row.update(zip(names, replicates.losses[k], strict=True))
            if measured.telemetry is not None:
                row.update(measured.telemetry.model_dump())
        rows.append({**row, **settings})
    return rows


def _on_the_way(entry: Entry) -> dict[str, str]:
    """What changed while a trial trained."""
    cells = {}
    if entry.spec.schedule:
        cells[SCHEDULE] = json.dumps([step.model_dump() for step in entry.spec.schedule])
    if entry.exploits:
        kept = ("source", "iteration", "dropped")
        cells[EXPLOITS] = json.dumps([{key: getattr(each, key) for key in kept} for each in entry.exploits])
    return cells


def replicate_status(entry: Entry, *, diverged: bool) -> str:
    """The status of one replicate of a trial: its own, not that of the trial.

    A trial counts as diverged where half of its replicates or more did.  The others were trained as far as
    the trial was, and count with the errors they reached.
    """
    if entry.status == "failed":
        return "failed"
    if diverged:
        return "diverged"
    if entry.status == "diverged":
        return "completed" if entry.rung is None else "stopped"
    return entry.status or "interrupted"


def decisions_frame(history: History) -> pd.DataFrame:
    """The looks of the early stopping in the order of the search's clock: see DECISION_COLUMNS."""
    rows = [
        {
            "trial": decided.trial,
            "rung": decided.rung,
            "score": math.inf if decided.score is None else decided.score,
            "cutoff": decided.cutoff if decided.bounded else math.inf,
            "recorded": decided.recorded,
            "stopped": decided.stopped,
            "elapsed": decided.time - history.began,
        }
        for decided in history.decisions
    ]
    return typed(pd.DataFrame(rows), DECISION_COLUMNS)


def plain(value: Any) -> Any:
    """A value a Parquet column can hold: collections as JSON."""
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list, tuple)) else value
