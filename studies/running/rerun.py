"""Trains recorded trials again and compares: the test of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc

from dgm_core import ConfigurationError, Setup
from dgm_core.errors import unknown
from dgm_core.training import choose_device
from studies.records import CURVES, TRIALS, StudyRecord, environment
from studies.records.opening import open_run
from studies.records.parquet import DamagedTableError, read_table
from studies.running.describe import versions
from studies.running.second_training import RerunVerdict, compare, train_again, weights_of
from studies.sources import load_sources

_TRIALS = {"trial": "string", "replicate": "Int64", "seed": "Int64"}
_LOSSES = {"trial": "string", "replicate": "int32", "iteration": "int64", "loss": "float32"}


def rerun(
    folder: Path, trials: Sequence[str] | None = None, on_start: Callable[[str], None] | None = None
) -> tuple[list[RerunVerdict], list[str]]:
    """Trains the named trials (by default all that left curves) again, as far as they came.

    Compared are the losses of all iterations, the errors at the end, after a polish where there is one, and
    the weights where the run kept them.  Returns a verdict a trial and what differs between there and here.
    Raises ConfigurationError where the folder is not a run, holds a damaged file or lacks a trial's curves.
    """
    recorded_run = recorded(folder)
    record, rows, known = recorded_run.record, recorded_run.rows, recorded_run.trials
    differences = recorded_run.differences
    for trial in trials or ():
        if trial not in known:
            raise unknown("trial of this run", trial, known)
    sources = load_sources(folder, record)
    changed = sources.changed()
    verdicts = []
    for trial in trials or known:
        if on_start is not None:
            on_start(trial)
        trial_rows = rows[rows["trial"] == trial].sort_values("replicate")
        curves = read_table(folder / CURVES, _LOSSES, rows=pc.field("trial") == trial)
        setup = Setup.from_dict(record.setups[trial])
        schedule = record.schedules.get(trial, ())
        trained = train_again(folder, setup, trial_rows, curves, recorded_run.device, schedule)
        kept = weights_of(folder, trial_rows)
        verdicts.append(compare(trial, trial_rows, curves, kept, trained, elsewhere=bool(differences)))
    # The files are trained as they were recorded: that they changed since is told, and excuses nothing.
    return verdicts, [*differences, *changed]


@dataclass(frozen=True)
class Recorded:
    """What a run holds to compare with: its trials' rows, those that left curves, and what differs here."""

    record: StudyRecord
    rows: pd.DataFrame
    trials: list[str]
    differences: list[str]
    device: str
    """On which trials are trained again: the recorded one, or the CPU where that is not here."""


def recorded(folder: Path) -> Recorded:
    """Reads a run, without running anything in it.

    Raises ConfigurationError where the folder is not a run, holds a damaged file or lacks trials with curves.
    """
    record = open_run(folder)
    for name in (TRIALS, CURVES):
        if not (folder / name).is_file():
            raise ConfigurationError(f"{folder} has no {name}: there is nothing to compare with.")
    try:
        rows = read_table(folder / TRIALS, _TRIALS)
        curves = read_table(folder / CURVES, {"trial": "string"}, columns=["trial"])
    except DamagedTableError as error:
        raise ConfigurationError(str(error)) from None
    left = set(curves["trial"]) & set(rows["trial"])
    known = [trial for trial in record.setups if trial in left]
    if not known:
        raise ConfigurationError(f"{folder} has no trial with curves to compare.")
    device = record.device if record.device == choose_device("auto") else "cpu"
    differences = differing(record)
    if device != record.device:
        differences.append(f"device {record.device} → {device}")
    return Recorded(record, rows, known, differences, device)


def differing(record: StudyRecord) -> list[str]:
    """Versions, commit and machine properties that are not those of the record, in words."""
    here, there = versions(), record.versions
    names = [f"{name} {there.get(name)} → {here.get(name)}" for name in here if here[name] != there.get(name)]
    commit = environment.commit()
    if commit != record.commit:
        names.append(f"commit {_short(record.commit)} → {_short(commit)}")
    machine, recorded = environment.machine(), record.machine
    names += [
        f"{key} {recorded.get(key)} → {machine[key]}"
        for key in ("system", "processor")
        if machine[key] != recorded.get(key)
    ]
    return names


def _short(commit: str | None) -> str:
    if commit is None:
        return "unknown"
    revision, plus, changes = commit.partition("+")
    return revision[:7] + plus + changes
