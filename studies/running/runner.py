"""Runs studies, and goes on with those that were left: folder, lock, log, plan, records."""

from __future__ import annotations

import os
import socket
from functools import partial
from pathlib import Path

from dgm_core import ConfigurationError
from dgm_core.extensions import Sources
from dgm_core.training import choose_device
from studies.planning.course import Course
from studies.planning.plans import AblationPlan, SearchPlan, StudyPlan
from studies.preflight import Question, examine, refuse
from studies.preflight.finding import Finding
from studies.records.events import Began, Event, Left, Suggested
from studies.records.files import write_study
from studies.records.folders import discard_folder, make_folder
from studies.records.log import VERSION, Log, read_log
from studies.records.schema import StudyRecord
from studies.records.storage import Store
from studies.records.storage.copy import FolderCopy, new_store
from studies.running.describe import study_record
from studies.running.holding import holding, no_room
from studies.running.options import Options
from studies.running.outcomes import conclude
from studies.running.record_writer import RecordWriter
from studies.running.starting import with_starts
from studies.running.training import Training
from studies.signals import unbroken
from studies.sources import keep_sources, sources_record
from studies.study import Ablation, Study


def run_study(study: Study, options: Options | None = None) -> Path:
    """Runs a search or an ablation and returns its run folder.

    Raises ConfigurationError, and leaves nothing behind, where the folder exists or cannot be made, there are
    not as many cores as asked for, or no cluster answers at the address.  Raises StudyError where the study
    could not go on; what was done is kept, and `resume_study` goes on with it.
    """
    options = options or Options()
    study = with_starts(study, partial(options.console.print, soft_wrap=True))
    cores = options.here
    if not options.joins:
        choose_device(options.device)
    findings = _examined(study, options)
    folder = make_folder(options.out, study.name, options.run)
    store = None
    try:
        store = new_store(folder, study.name, options.storage)
        with holding(folder, options.command_name):
            sources = keep_sources(folder, study.base)
            record = study_record(
                study,
                run=folder.name,
                seed=options.seed,
                quick=options.quick,
                cores=cores,
                command=options.command,
            )
            record.sources = sources_record(sources)
            record.preflight = [finding.to_dict() for finding in findings if finding.level == "warning"]
            record.storage = None if store is None else store.url
            write_study(folder, record)
            _Run(study, folder, record, sources, options).go()
    except ConfigurationError:
        discard_folder(folder)
        if store is not None:
            store.clear()
        raise
    return folder


def _examined(study: Study, options: Options) -> list[Finding]:
    """What is known of a study before it is run, told where it matters; raises where it must not be run."""
    findings = examine(Question(study, options.here))
    refuse(findings)
    for finding in findings:
        if finding.level != "note":
            options.console.print(f"{finding.level.capitalize()}: {finding}", soft_wrap=True)
    return findings


def resume_study(study: Study, folder: Path, record: StudyRecord, sources: Sources, options: Options) -> Path:
    """Goes on with a study that was left: what had ended is not run again, what ran goes on.

    Raises StudyError where another process runs it, or its log cannot be read.
    """
    _ = options.here  # refused before anything is held
    with holding(folder, options.command_name):
        _Run(study, folder, record, sources, options).go()
    return folder


class _Run:
    """One process's share of a study."""

    def __init__(
        self, study: Study, folder: Path, record: StudyRecord, sources: Sources, options: Options
    ) -> None:
        self.study = study
        self.folder = folder
        self.record = record
        self.sources = sources
        self.options = options
        self.store = Store.at(record.storage or folder)
        self.copy = FolderCopy(folder, self.store, options.command_name) if record.storage else None

    def go(self) -> None:
        """Runs what is left; the state of the record says how it ended."""
        events = read_log(self.folder)
        with Log(self.folder, None if self.copy is None else self.copy.log.follow) as log:
            course = Course(_plan(self.study, self.record.seed, events), log, events)
            writer = RecordWriter(self.folder, self.store, self.record, course.history)
            self.record.state = "running"
            try:
                with unbroken():
                    course.append([Began(version=VERSION, process=os.getpid(), host=socket.gethostname())])
                    if self.copy is not None:
                        self.copy.follow()
                self._work(course, writer)
            except KeyboardInterrupt:
                self.record.state = "interrupted"
            except _DiskFullError:
                raise no_room(self.folder) from None
            except BaseException:
                self.record.state = "failed"
                self._leave(course, writer)
                raise
            self._leave(course, writer)

    def _work(self, course: Course, writer: RecordWriter) -> None:
        """Trains what is left, and again what is kept of trials whose checkpoints are gone."""
        if not course.done:
            training = Training(self.study, self.record, self.sources, self.options, self.store)
            if training.go(self.folder, course, writer, self.copy) is not None:
                raise _DiskFullError
        if course.done and course.cause is None:
            writer.recover(self._tell_again)

    def _tell_again(self, trial: str) -> None:
        self.options.console.print(
            f"{trial} is trained again, for its curves and solution: its checkpoint is gone."
        )

    def _leave(self, course: Course, writer: RecordWriter) -> None:
        """Writes the records as the study stands, and says in the log that they are."""
        with unbroken():
            self._written(course, writer)
        if course.cause is not None:
            self.options.console.print(f"All trials fail with the same error: {course.cause}")

    def _written(self, course: Course, writer: RecordWriter) -> None:
        if self.record.state == "running":
            self.record.state = conclude(course, self.record)
        measured = {} if course.done else writer.measured()
        course.append([Left(state=self.record.state, measured=measured)])
        writer.close()
        if self.copy is not None:
            self.copy.follow()
        writer.tidy()
        if self.copy is not None:
            self.copy.close()


class _DiskFullError(Exception):
    """A trial found the disk full: the records that there are stay as they are."""


def _plan(study: Study, seed: int, events: list[Event]) -> StudyPlan:
    if isinstance(study, Ablation):
        return AblationPlan(study, seed)
    known = {event.trial: event.changes for event in events if isinstance(event, Suggested)}
    return SearchPlan(study, seed, known)
