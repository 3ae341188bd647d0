"""Runs studies, and goes on with those that were left: folder, lock, log, plan, Ray, records."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from dgm_core import ConfigurationError, Setup
from dgm_core.extensions import Sources
from dgm_core.training import choose_device
from studies.failures import resume_hint
from studies.planning.course import Course
from studies.planning.plans import AblationPlan, Plan, SearchPlan
from studies.preflight import Question, examine, refuse
from studies.records.events import Began, Event, Left, Opened, Suggested
from studies.records.files import write_study
from studies.records.folders import discard_folder, make_folder
from studies.records.log import VERSION, Log, read_log
from studies.records.schema import OPTUNA, StudyRecord
from studies.records.storage import Store
from studies.records.storage.copy import FolderCopy, new_store
from studies.running.describe import study_record
from studies.running.holding import holding, no_room
from studies.running.live import LiveTable
from studies.running.outcomes import conclude
from studies.running.record_writer import RecordWriter
from studies.sources import keep_sources, sources_record
from studies.study import Ablation, Search, Study
from studies.tune.cluster.capacity import Places
from studies.tune.cluster.probe import check_nodes
from studies.tune.cluster.watching import NodeWatch
from studies.tune.head import Head
from studies.tune.launch import launch
from studies.tune.patience import Patience
from studies.tune.ray_parts import Arrival
from studies.tune.session import check_cores, ray_session, session_gpus
from studies.tune.trial_payload import TrialPayload
from studies.tune.tuning import Engine
from studies.tune.watch import Watch
from studies.tune.worker_pool import WorkerPool

if TYPE_CHECKING:
    from studies.running.mirror import Mirror


@dataclass(frozen=True)
class Options:
    """How to run a study, apart from what it asks.

    out: where run folders are made; run: this one's name, by default the UTC time.  cores:
    processor cores to use, by default all of this machine or of the cluster; oversubscribe: more than there
    are is allowed, for tests.  device: "auto", "cpu" or "cuda", of which trials share what there is.
    address: see `studies.tune.session.ray_session`; begun: a Ray on this machine that was begun before,
    for these cores.  storage: a folder or "s3://bucket/prefix" that all nodes reach, for the checkpoints and
    a copy of the run folder; by default the run folder itself.  log_to: see
    `studies.tune.loggers.make_loggers`.
    """

    out: Path = Path("results")
    run: str | None = None
    seed: int = 0
    quick: bool = False
    cores: int | None = None
    oversubscribe: bool = False
    device: str = "auto"
    address: str = "local"
    begun: Head | None = None
    storage: str | None = None
    dashboard: bool = False
    log_to: tuple[str, ...] = ()
    command: str | None = None
    console: Console = field(default_factory=lambda: Console(stderr=True, markup=False))


def run_study(study: Study, options: Options | None = None) -> Path:
    """Runs a search or an ablation and returns its run folder.

    Raises ConfigurationError, and leaves nothing behind, where the folder exists or cannot be made, there are
    not as many cores as asked for, or no cluster answers at the address.  Raises StudyError where the study
    could not go on; what was done is kept, and `resume_study` goes on with it.
    """
    options = options or Options()
    cores = _cores(options)
    if options.address == "local":
        choose_device(options.device)
    findings = examine(Question(study, cores))
    refuse(findings)
    for finding in findings:
        if finding.level != "note":
            options.console.print(f"{finding.level.capitalize()}: {finding}", soft_wrap=True)
    folder = make_folder(options.out, study.name, options.run)
    store = None
    try:
        store = new_store(folder, study.name, options.storage)
        with holding(folder, options.command or "studies.run"):
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


def resume_study(study: Study, folder: Path, record: StudyRecord, sources: Sources, options: Options) -> Path:
    """Goes on with a study that was left: what had ended is not run again, what ran goes on.

    Raises StudyError where another process runs it, or its log cannot be read.
    """
    _cores(options)
    with holding(folder, options.command or "studies.run"):
        _Run(study, folder, record, sources, options).go()
    return folder


def _cores(options: Options) -> int:
    if options.oversubscribe and options.cores is not None:
        return options.cores
    return check_cores(options.cores, address=options.address)


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
        self.console = options.console
        self.store = Store.at(record.storage or folder)
        self.copy = (
            FolderCopy(folder, self.store, options.command or "studies.run") if record.storage else None
        )

    def go(self) -> None:
        """Runs what is left; the state of the record says how it ended."""
        events = read_log(self.folder)
        with Log(self.folder, None if self.copy is None else self.copy.log.follow) as log:
            plan = _plan(self.study, self.record.seed, events)
            course = Course(plan, log, events)
            course.append([Began(version=VERSION, process=os.getpid(), host=socket.gethostname())])
            writer = RecordWriter(self.folder, self.store, self.record, course.history)
            self.record.state = "running"
            engine = None
            if self.copy is not None:
                self.copy.follow()
            try:
                engine = self._train(course, writer)
                if course.done and course.cause is None and (engine is None or engine.full is None):
                    writer.recover(self._tell_again)
            except KeyboardInterrupt:
                self.record.state = "interrupted"
            except BaseException:
                self.record.state = "failed"
                raise
            finally:
                self._leave(course, writer, engine)

    def _train(self, course: Course, writer: RecordWriter) -> Engine | None:
        """Under Ray, until all is done or something ends it."""
        if course.done:
            return None
        tell = partial(self.console.print, soft_wrap=True)
        arrival = None
        if isinstance(self.study, Search) and self.study.order == "arrival":
            arrival = Arrival(self.study, tell)
        cores = self.record.cores if self.options.cores is None else _cores(self.options)
        loggers = self._loggers()
        settings: dict[str, Any] = {
            "address": self.options.address,
            "dashboard": self.options.dashboard,
            "begun": self.options.begun,
            "tell": tell,
            "lost": f"the process of this study is gone; go on with: {resume_hint(self.folder)}",
        }
        with ray_session(cores=cores, **settings) as dashboard:
            joined = self.options.address != "local"
            gpus = session_gpus(self.options.device)
            places = Places.of(self.study.resources, gpus, limit=self.options.cores if joined else None)
            if joined:
                self._tell_nodes(places)
            self.record.cores, self.record.device = places.trains or 1, "cuda" if gpus else "cpu"
            if dashboard:
                course.append([Opened(dashboard=f"http://{dashboard}")])
                if self.options.dashboard:
                    self.console.print(f"Ray's dashboard: http://{dashboard}")
            pool = WorkerPool(places.trains, alone=not joined)
            patience = Patience(course, pool, self.study.resources.timeout, tell)
            engine = Engine(self.folder, self.store, course, pool, patience)
            table = LiveTable(self.record, course.history, pool, self.console)
            watchers: list[Callable[[], None]] = [
                lambda: writer.tend(pool.busy),
                table.tend,
                *self._limit(course, pool),
            ]
            mirror = None
            if isinstance(self.study, Search):
                mirror = _Late(self._mirror, pool, course, self.console)
            if mirror is not None:
                watchers.append(mirror.follow)
            if self.copy is not None:
                watchers.append(self.copy.tend)
            if joined:
                watchers.append(NodeWatch(pool, places, self.console).tend)
            together = self.study.workers if isinstance(self.study, Search) else 1
            try:
                launch(
                    engine,
                    TrialPayload.of(_setups(self.study), self.sources),
                    [Watch(watchers), *loggers],
                    share=places.share(together),
                    session=len(course.history.sessions),
                    device=self.record.device,
                    named_after=self.study.name if self.options.dashboard else None,
                    arrival=arrival,
                )
            except BaseException:
                if mirror is not None:
                    mirror.tend()
                raise
            finally:
                table.close()
            if mirror is not None:
                mirror.update()
        return engine

    def _tell_again(self, trial: str) -> None:
        self.console.print(f"{trial} is trained again, for its curves and solution: its checkpoint is gone.")

    def _tell_nodes(self, places: Places) -> None:
        """Tries what each node can do; says in what they differ, and whether the study waits for one."""
        for difference in check_nodes(self.store):
            self.console.print(f"Not as here: {difference}")
        if not places.trains:
            self.console.print(f"Waiting for the cluster's autoscaler: no node has {places.resources} yet.")

    def _leave(self, course: Course, writer: RecordWriter, engine: Engine | None) -> None:
        """Writes the records as the study stands, and says in the log that they are."""
        if engine is not None and engine.full is not None:
            raise no_room(self.folder)
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
        if course.cause is not None:
            self.console.print(f"All trials fail with the same error: {course.cause}")

    def _loggers(self) -> list[Any]:
        """Those asked for; what they need is imported for them alone."""
        if not self.options.log_to:
            return []
        from studies.tune.loggers import make_loggers

        return [*make_loggers(self.options.log_to, self.folder)]

    def _mirror(self) -> Mirror:
        """Optuna's database, made anew by each process that runs the study."""
        from studies.running.mirror import Mirror, open_database

        path = self.folder / OPTUNA
        path.unlink(missing_ok=True)
        return Mirror(open_database(path), self.record, self.study.name)

    def _limit(self, course: Course, pool: WorkerPool) -> list[Callable[[], None]]:
        """What cuts a search short when its time is up, counted from the first training.

        Ray's start, and the time between two processes, do not count.
        """
        limit = self.study.time_limit if isinstance(self.study, Search) else None
        if limit is None or course.history.cut:
            return []
        before = course.history.trained

        def cut() -> None:
            over = pool.since is not None and before + time.monotonic() - pool.since >= limit
            if over and not course.history.cut and not _searched(course.plan):
                course.cut()

        return [cut]


_PAUSE = 9.0
"""Of a mirror, for each second that it took to bring it up to date."""


class _Late:
    """A mirror that is made when the first trial says something: that takes time, in which workers start.

    It is a copy for other tools: where it fails, that is said once, and the study goes on without it.
    """

    def __init__(
        self, make: Callable[[], Mirror], pool: WorkerPool, course: Course, console: Console
    ) -> None:
        self._console = console
        self._failed = False
        self._make = make
        self._crew = pool
        self._course = course
        self._mirror: Mirror | None = None
        self._due = 0.0

    def follow(self) -> None:
        """`tend`, for a tenth of the time at most: it looks at every trial, of which there may be many."""
        begun = time.monotonic()
        if begun >= self._due:
            self.tend()
            now = time.monotonic()
            self._due = now + _PAUSE * (now - begun)

    def tend(self) -> None:
        """Brings it up to the last event, where anything was said."""
        if self._crew.since is not None:
            self.update()

    def update(self) -> None:
        """Brings it up to the last event, whatever was said."""
        if self._failed:
            return
        try:
            self._mirror = self._mirror or self._make()
            self._mirror.tend(self._course.history)
        except Exception as error:
            self._failed = True
            said = str(error).partition("\n")[0] or type(error).__name__
            self._console.print(
                f"Warning: {OPTUNA}, the copy for Optuna's tools, stays as it is: {said}  The study goes on.",
                soft_wrap=True,
            )


def _searched(plan: Plan) -> bool:
    return isinstance(plan, SearchPlan) and plan.search.done


def _plan(study: Study, seed: int, events: list[Event]) -> Plan:
    if isinstance(study, Ablation):
        return AblationPlan(study, seed)
    known = {event.trial: event.changes for event in events if isinstance(event, Suggested)}
    return SearchPlan(study, seed, known)


def _setups(study: Study) -> Mapping[str, Setup]:
    """Those that a study's trials change, by the names that its plan gives them."""
    if isinstance(study, Search):
        return {"base": study.base, "baseline": study.compared}
    return {arm: study.setup(arm) for arm in study.arms}
