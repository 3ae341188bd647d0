"""Stopped trials of a finished search, trained to their ends after all: was it right to stop them?"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dgm_core import ConfigurationError, Trainer
from dgm_core.errors import unknown
from dgm_core.training import choose_device, configure_process
from studies.hints import quoted
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.planning.trial import Trial
from studies.records.events import Began, Left, Metrics, Suggested, Telemetry
from studies.records.files import replacing, write_study, write_table
from studies.records.history import Entry, History
from studies.records.log import VERSION, Log, read_log
from studies.records.rebuild import check_whole
from studies.records.schema import CHECKPOINTS, CURVES, PIECES, TRIALS, StudyRecord
from studies.records.storage import Store
from studies.records.tables import trials_frame
from studies.records.words import counted
from studies.running.collect import write_piece
from studies.running.holding import holding
from studies.running.rerun import differing
from studies.signals import unbroken
from studies.sources import load_sources
from studies.study import Search, from_dict, to_dict
from studies.trials.checkpoints import load_checkpoint, save_checkpoint
from studies.trials.trainable import run_trial

PHASE = "revived"


def revivable(folder: Path, record: StudyRecord) -> Search:
    """The search of a run whose stopped trials can be revived.  Raises ConfigurationError for another."""
    if record.kind != "search" or not record.definition:
        raise ConfigurationError(f"{folder} is not a search: only trials of a search are stopped early.")
    if record.state != "finished":
        raise ConfigurationError(
            f"{folder} is {record.state}: finish it first with dgm resume {quoted(folder)}"
        )
    if record.storage is not None:
        raise ConfigurationError(
            f"trials of {folder} cannot be revived: its log is copied to {record.storage}."
        )
    study = from_dict(record.definition)
    assert isinstance(study, Search)
    return study


def revive(
    folder: Path, record: StudyRecord, trials: Sequence[str], tell: Callable[[str], None]
) -> list[Entry]:
    """Trains stopped trials to their ends, in this process; what is known of each then, in their order.

    They are trained from the beginning on their own seeds, to the same bits as if they had never been
    stopped, and recorded as trials of a phase of their own: what the search decided stays.  A trial that is
    revived already is not trained again.  The run is as it was until a training has ended; one that is
    interrupted goes on from its checkpoint.  tell: is given a sentence about each.  Raises LogError for a log
    that is not whole, and ConfigurationError for a trial that was not stopped, or of a run whose device is
    not here.
    """
    study = revivable(folder, record)
    history = History(read_log(folder))
    check_whole(folder, record, history)
    stopped = {entry.trial: entry for entry in history.phase("search") if entry.status == "stopped"}
    for name in trials:
        if name in stopped:
            continue
        if name in history.entries:
            status = history.entries[name].status
            raise ConfigurationError(f"trial {name} of {folder} was not stopped early: it {_ended(status)}.")
        raise unknown("stopped trial", name, stopped)
    if record.device != "cpu" and record.device != choose_device("auto"):
        raise ConfigurationError(
            f"{folder} was trained on {record.device}, which this machine does not have."
        )
    if differences := differing(record):
        tell(f"Not as recorded: {'; '.join(differences)}")
    load_sources(folder, record)
    configure_process()
    with holding(folder, f"dgm revive {quoted(folder)} {' '.join(trials)}"):
        for name in trials:
            study = replace(study, revived=tuple(dict.fromkeys([*study.revived, name])))
            _one(folder, record, study, name, tell)
    history = History(read_log(folder))
    return [entry for name in trials for entry in history.phase(PHASE) if entry.spec.arm == name]


def _one(folder: Path, record: StudyRecord, study: Search, name: str, tell: Callable[[str], None]) -> None:
    """Trains one trial, and then changes the run: its curves first, its log before its table."""
    events = read_log(folder)
    known = {event.trial: event.changes for event in events if isinstance(event, Suggested)}
    with Log(folder) as log:
        course = Course(SearchPlan(study, record.seed, known), log, events)
        trial = next((each for each in course.plan.ready() if (each.phase, each.arm) == (PHASE, name)), None)
        if trial is not None:
            end = trial.setup.config.iterations
            tell(f"training {name} to its end: {counted(end, 'iteration')}")
            store = Store.at(folder)
            metrics = _trained(store, trial, record.device)
            with unbroken():
                _add_curves(folder, store, trial, metrics, record.terms)
                record.definition = to_dict(study)
                record.setups[trial.name] = trial.setup.to_dict()
                write_study(folder, record)
                course.plan.take(trial.name)
                began = Began(version=VERSION, process=os.getpid(), host=socket.gethostname())
                course.append([began, trial.event()])
                course.report(trial.name, metrics)
                course.append([Left(state=record.state)])
                store.remove(f"{CHECKPOINTS}/{trial.folder}")
        write_table(folder, TRIALS, trials_frame(course.history, record.terms, record.metric))


def _trained(store: Store, trial: Trial, device: str) -> Metrics:
    reports: list[Metrics] = []

    def report(trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
        if metrics is not None:
            reports.append(metrics)

    def save(trainer: Trainer) -> None:
        save_checkpoint(trainer, store, trial.folder)

    state = load_checkpoint(store, trial.folder)
    run_trial(trial.setup, trial.seeds, (), report, save, state, device=device)
    return reports[-1]


def _add_curves(folder: Path, store: Store, trial: Trial, metrics: Metrics, terms: Sequence[str]) -> None:
    """Puts a trial's curves behind those of the others."""
    entry = Entry(trial.event(), 0.0, status="completed", measured=metrics)
    write_piece(folder, store, entry, terms)
    piece = folder / PIECES / f"{trial.folder}.parquet"
    revived, others = pq.read_table(piece), pq.read_table(folder / CURVES)
    others = others.filter(pc.not_equal(others["trial"], trial.name))  # of a process that was killed here
    with replacing(folder / CURVES) as file:
        joined = pa.concat_tables([others, revived.select(others.column_names).cast(others.schema)])
        pq.write_table(joined, file, compression="zstd", write_page_checksum=True)
    piece.unlink()
    if not any(piece.parent.iterdir()):
        piece.parent.rmdir()


def _ended(status: str | None) -> str:
    return f"was {status}" if status == "interrupted" else str(status)
