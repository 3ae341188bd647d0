"""Runs that are followed: what is shown of them is made from their records, in a folder of its own.

Nothing in a run folder is written or executed, so that a run may be live, read-only or a stranger's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage

from analysis.tensorboard import EventFiles
from dgm_cli.common import messages
from dgm_cli.dashboard.reports import Report
from dgm_cli.verdicts import verdicts_of
from studies.records import OPTUNA, STUDY
from studies.records.lock import holder
from studies.records.log import LOG
from studies.records.overview import Overview, overview
from studies.running.mirror import Mirror, open_database

EVENTS = "events"
_LOOK_SECONDS = 1.0
_REST = 9.0
"""Times as long as the last look took: following takes a tenth of a core at most."""


@dataclass
class Shown:
    """One run as the page shows it; `overview` is None, with `trouble` why, where it cannot be read.

    verdicts: sentences, as its report has them.
    """

    name: str
    folder: Path
    report: Report
    overview: Overview | None = None
    verdicts: Sequence[str] = ()
    trouble: str | None = None


class Follower:
    """Brings what is shown of some runs up to their logs, in a thread of its own."""

    def __init__(self, folders: Mapping[str, Path], workspace: Path) -> None:
        self.shown = [
            Shown(name, folder, Report(folder, workspace / "reports" / str(place)))
            for place, (name, folder) in enumerate(folders.items())
        ]
        (workspace / EVENTS).mkdir()
        storage = open_database(workspace / OPTUNA)
        self._followed = [
            _Followed(shown, workspace / EVENTS / ("" if len(folders) == 1 else shown.name), storage)
            for shown in self.shown
        ]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Goes on with it until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it, with a report that is being made."""
        self._stopping.set()
        self._thread.join()
        for shown in self.shown:
            shown.report.close()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            for followed in self._followed:
                if not self._stopping.is_set():
                    followed.look()
            self._stopping.wait(_LOOK_SECONDS)


class _Followed:
    """One run, its study at Optuna, its event files and its report."""

    def __init__(self, shown: Shown, events: Path, storage: RDBStorage) -> None:
        self._shown = shown
        self._folder = events
        self._storage = storage
        self._mirror: Mirror | None = None
        self._events: EventFiles | None = None
        self._seen: _Stamp | None = None
        self._due = 0.0
        """When the next look is."""
        self._failed = False
        """Whether the copies for other tools have."""

    def look(self) -> None:
        """Reads the run where it has changed, and brings all that is made of it up to it."""
        if self._seen is not None:
            self._shown.report.tend(self._seen)
        begun = time.monotonic()
        if begun < self._due:
            return
        shown = self._shown
        try:
            stamp = _stamp(shown.folder)
            if stamp != self._seen:
                state = overview(shown.folder)
                shown.overview, shown.trouble, self._seen = state, None, stamp
                shown.verdicts = verdicts_of(state)
                self._copy(state)
        except Exception as error:  # a run can be damaged in any way, and the others are shown all the same
            shown.trouble = f"{shown.folder} cannot be read: {_sentence(error)}"
        self._due = time.monotonic() + _REST * (time.monotonic() - begun)

    def _copy(self, overview: Overview) -> None:
        """Brings the copies for other tools up to the run; the page shows it where one fails, too."""
        if self._failed:
            return
        try:
            self._show(overview)
        except Exception as error:
            self._failed = True
            messages.print(
                f"Warning: TensorBoard and Optuna's dashboard show {self._shown.name} no further: "
                f"{_sentence(error)}",
                soft_wrap=True,
            )

    def _show(self, overview: Overview) -> None:
        if self._events is None:
            self._events = EventFiles(self._shown.folder, overview.record, self._folder)
            if overview.record.kind == "search":
                self._mirror = Mirror(self._storage, overview.record, self._shown.name)
        self._events.tend(overview.history)
        if self._mirror is not None:
            try:
                self._mirror.tend(overview.history)
            except UpdateFinishedTrialError:
                # Someone has ended a trial in Optuna's dashboard, which harms the copy alone: it begins anew.
                self._storage.delete_study(self._storage.get_study_id_from_name(self._shown.name))
                self._mirror = Mirror(self._storage, overview.record, self._shown.name)
                self._mirror.tend(overview.history)


_Stamp = tuple[int, int, bool]


def _stamp(folder: Path) -> _Stamp:
    """Another one when a run has changed: its log's length, its record's age, whether a process holds it."""
    log = folder / LOG
    length = log.stat().st_size if log.is_file() else 0
    return length, (folder / STUDY).stat().st_mtime_ns, holder(folder) is not None


def _sentence(error: Exception) -> str:
    said = str(error).splitlines()
    return said[0] if said else type(error).__name__
