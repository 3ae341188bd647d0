"""Trains what a study has left, under Ray: session, nodes, workers, and all that looks on meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dgm_core import Setup
from dgm_core.extensions import Sources
from studies.hints import resume_hint
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.records.events import Opened
from studies.records.files import write_study
from studies.records.schema import StudyRecord
from studies.records.storage import Store
from studies.records.storage.copy import FolderCopy
from studies.running.late_mirror import LateMirror, make_mirror
from studies.running.live import LiveTable
from studies.running.options import Options
from studies.running.record_writer import RecordWriter
from studies.study import Search, Study
from studies.tune.cluster.capacity import Places
from studies.tune.cluster.probe import check_nodes
from studies.tune.cluster.watching import NodeWatch
from studies.tune.launch import launch
from studies.tune.ray_parts import Arrival
from studies.tune.session import ray_session, session_gpus
from studies.tune.silence import SilenceLimit
from studies.tune.trial_payload import TrialPayload
from studies.tune.tuning import Engine
from studies.tune.watch import Watch
from studies.tune.worker_pool import WorkerPool

Watcher = Callable[[], None]
"""Called each time Tune goes round its loop."""


class Training:
    """The training that a study has left, for one process."""

    def __init__(
        self, study: Study, record: StudyRecord, sources: Sources, options: Options, store: Store
    ) -> None:
        self.study = study
        self.record = record
        self.sources = sources
        self.options = options
        self.store = store
        self.console = options.console
        self.tell = partial(self.console.print, soft_wrap=True)

    def go(
        self, folder: Path, course: Course, writer: RecordWriter, copy: FolderCopy | None
    ) -> OSError | None:
        """Trains until all is done or something ends it; the error where the disk was full."""
        arrival = None
        if isinstance(self.study, Search) and self.study.order == "arrival":
            arrival = Arrival(self.study, self.tell, self.record.seed)
            if arrival.population:
                self.record.scheduler["population"] = True
                write_study(folder, self.record)
        loggers = self._loggers(folder)
        with self._session(folder) as dashboard:
            places = self._places()
            self._tell_dashboard(dashboard, course)
            pool = WorkerPool(places.trains, alone=not self.options.joins)
            silence = SilenceLimit(course, pool, self.study.resources.timeout, self.tell)
            engine = Engine(folder, self.store, course, pool, silence)
            with self._watched(folder, course, pool, writer) as watchers:
                if copy is not None:
                    watchers.append(copy.tend)
                if self.options.joins:
                    watchers.append(NodeWatch(pool, places, self.console).tend)
                launch(
                    engine,
                    TrialPayload.of(_setups(self.study), self.sources),
                    [Watch(watchers), *loggers],
                    share=places.share(self.study.workers if isinstance(self.study, Search) else 1),
                    session=len(course.history.sessions),
                    device=self.record.device,
                    named_after=self.study.name if self.options.dashboard else None,
                    arrival=arrival,
                )
        return engine.full

    def _loggers(self, folder: Path) -> list[Any]:
        """Those asked for; what they need is imported for them alone."""
        if not self.options.log_to:
            return []
        from studies.tune.loggers import make_loggers

        return [*make_loggers(self.options.log_to, folder)]

    def _session(self, folder: Path) -> AbstractContextManager[str | None]:
        return ray_session(
            cores=self.record.cores if self.options.cores is None else self.options.here,
            address=self.options.address,
            dashboard=self.options.dashboard,
            begun=self.options.begun,
            tell=self.tell,
            lost=f"the process of this study is gone; {resume_hint(folder)}",
        )

    def _places(self) -> Places:
        """Where trials train, by the session that has begun; the record says so."""
        joins, gpus = self.options.joins, session_gpus(self.options.device)
        limit = self.options.cores if joins else None
        places = Places.of(self.study.resources, gpus, limit=limit, joined=joins)
        if joins:
            for difference in check_nodes(self.store):
                self.console.print(f"Not as here: {difference}")
            if not places.trains:
                self.console.print(
                    f"Waiting for the cluster's autoscaler: no node has {places.resources} yet."
                )
        self.record.cores, self.record.device = places.trains or 1, "cuda" if gpus else "cpu"
        return places

    def _tell_dashboard(self, dashboard: str | None, course: Course) -> None:
        if dashboard:
            course.append([Opened(dashboard=f"http://{dashboard}")])
            if self.options.dashboard:
                self.console.print(f"Ray's dashboard: http://{dashboard}")

    @contextmanager
    def _watched(
        self, folder: Path, course: Course, pool: WorkerPool, writer: RecordWriter
    ) -> Iterator[list[Watcher]]:
        """What looks on while trials train: records, table, time limit, and Optuna's copy of a search."""
        with closing(LiveTable(self.record, course.history, pool, self.console)) as table:
            watchers: list[Watcher] = [lambda: writer.tend(pool.busy), table.tend]
            if not isinstance(self.study, Search):
                yield watchers
                return
            watchers += _limit(self.study, course, pool)
            make = partial(make_mirror, folder, self.record)
            with LateMirror(make, pool, course, self.console) as mirror:
                yield [*watchers, mirror.follow]


def _setups(study: Study) -> Mapping[str, Setup]:
    """Those that a study's trials change, by the names that its plan gives them."""
    if isinstance(study, Search):
        return {"base": study.base, "baseline": study.compared}
    return {arm: study.setup(arm) for arm in study.arms}


def _limit(search: Search, course: Course, pool: WorkerPool) -> list[Watcher]:
    """What cuts a search short when its time is up, counted from the first training.

    Ray's start, and the time between two processes, do not count.
    """
    limit = search.time_limit
    if limit is None or course.history.cut:
        return []
    before = course.history.trained

    def cut() -> None:
        over = pool.since is not None and before + time.monotonic() - pool.since >= limit
        if over and not course.history.cut and not _searched(course):
            course.cut()

    return [cut]


def _searched(course: Course) -> bool:
    return isinstance(course.plan, SearchPlan) and course.plan.search.done
