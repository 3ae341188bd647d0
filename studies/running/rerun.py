"""Trains recorded trials again and compares: the test of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from dgm_core import ConfigurationError, Setup, Trainer
from dgm_core.errors import unknown
from dgm_core.training import configure_process
from studies.records import CURVES, TRIALS, StudyRecord, environment
from studies.records.opening import open_run
from studies.records.parquet import DamagedTableError, read_table
from studies.records.words import counted
from studies.running.collect import Course, course
from studies.running.describe import versions
from studies.sources import load_sources

_TRIALS = {"trial": "string", "replicate": "Int64", "seed": "Int64"}
_LOSSES = {"trial": "string", "replicate": "int32", "iteration": "int64", "loss": "float32"}

COMPARED_ITERATIONS = 100
TOLERANCE = 1e-3
"""On another machine, other versions or another commit, rounding differs and training amplifies it:
there the losses of the first `COMPARED_ITERATIONS` iterations must agree to this relative tolerance."""


@dataclass(frozen=True)
class Verdict:
    """What a trial's second training says of its record."""

    trial: str
    equal: bool
    """Every loss of every iteration and replicate is the same bit for bit."""
    agrees: bool
    """Equal; or, elsewhere than on the recorded machine and versions, within the tolerance."""
    words: str


def rerun(
    folder: Path, trials: Sequence[str] | None = None, on_start: Callable[[str], None] | None = None
) -> tuple[list[Verdict], list[str]]:
    """Trains the named trials (by default all that left curves) again, as far as they came.

    Returns a verdict a trial and what differs between there and here.  Raises ConfigurationError
    where the folder is no run, holds a damaged file or lacks a trial's curves.
    """
    found = recorded(folder)
    record, rows, known, differences = found.record, found.rows, found.trials, found.differences
    for trial in trials or ():
        if trial not in known:
            raise unknown("trial of this run", trial, known)
    sources = load_sources(folder, record)
    changed = sources.changed()
    verdicts = []
    for trial in trials or known:
        if on_start is not None:
            on_start(trial)
        own = rows[rows["trial"] == trial].sort_values("replicate")
        curves = read_table(folder / CURVES, _LOSSES, rows=pc.field("trial") == trial)
        setup = Setup.from_dict(record.setups[trial])
        verdicts.append(_compare(trial, setup, own["seed"].tolist(), curves, bool(differences)))
    # The files are trained as they were recorded: that they changed since is told, and excuses nothing.
    return verdicts, [*differences, *changed]


@dataclass(frozen=True)
class Recorded:
    """What a run holds to compare with: its trials' rows, those that left curves, and what differs here."""

    record: StudyRecord
    rows: pd.DataFrame
    trials: list[str]
    differences: list[str]


def recorded(folder: Path) -> Recorded:
    """Reads a run, without running anything in it.

    Raises ConfigurationError where the folder is no run, holds a damaged file or lacks trials with curves.
    """
    record = open_run(folder)
    for name in (TRIALS, CURVES):
        if not (folder / name).is_file():
            raise ConfigurationError(f"{folder} has no {name}: its run left nothing to compare with.")
    try:
        rows = read_table(folder / TRIALS, _TRIALS)
        curves = read_table(folder / CURVES, {"trial": "string"}, columns=["trial"])
    except DamagedTableError as error:
        raise ConfigurationError(str(error)) from None
    left = set(curves["trial"]) & set(rows["trial"])
    known = [trial for trial in record.setups if trial in left]
    if not known:
        raise ConfigurationError(f"{folder} holds no trial that left curves to compare with.")
    return Recorded(record, rows, known, differing(record))


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


def _compare(
    trial: str, setup: Setup, seeds: Sequence[int], recorded: pd.DataFrame, elsewhere: bool
) -> Verdict:
    columns = [name for name in recorded.columns if name == "loss" or name.startswith("loss_")]
    recorded = recorded.assign(polish=recorded.get("polish", 0))
    before = np.stack(
        [
            part.sort_values(["iteration", "polish"])[columns].to_numpy(np.float32)
            for _, part in recorded.groupby("replicate", sort=True)
        ],
        axis=1,
    )  # (steps, K, 1 + T)
    configure_process()
    trainer = Trainer(setup, seeds)
    iterations = int(recorded["iteration"].max())
    trainer.advance(iterations)
    went = course(trainer.curves.state(), setup.config)
    if not recorded["polish"].any():  # a run of before it was recorded
        went = went.without_polish()
    after = went.losses
    if after.shape == before.shape and np.array_equal(before, after, equal_nan=True):
        steps = int((went.polish > 0).sum())
        polish = f" and {counted(steps, 'step')} of polish" if steps else ""
        words = f"equal bit for bit over {counted(iterations, 'iteration')}{polish}"
        return Verdict(trial, True, True, words)
    shared = min(len(before), len(after))
    same = (before[:shared] == after[:shared]) | (np.isnan(before[:shared]) & np.isnan(after[:shared]))
    first = int(np.argmin(same.all(axis=(1, 2)))) if not same.all() else shared
    head = slice(0, min(shared, COMPARED_ITERATIONS))
    close = bool(np.allclose(before[head], after[head], rtol=TOLERANCE, atol=1e-12, equal_nan=True))
    where = f"differs from {_place(went, first)} on"
    if close and elsewhere:
        compared = counted(head.stop, "iteration")
        words = f"agrees within {TOLERANCE:g} over its first {compared} ({where} in rounding)"
        return Verdict(trial, False, True, words)
    return Verdict(trial, False, False, where)


def _place(went: Course, step: int) -> str:
    """A step of a training in words; the one after the last where it is longer."""
    if step >= len(went.iteration):
        return f"iteration {int(went.iteration[-1]) + 1:,}"
    polish = int(went.polish[step])
    at = f"iteration {int(went.iteration[step]):,}"
    return f"step {polish:,} of the polish after {at}" if polish else at
