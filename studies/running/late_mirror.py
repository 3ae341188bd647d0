"""The copy of a search for Optuna's tools, brought up to the log while trials train."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console

from studies.planning.course import Course
from studies.records.schema import OPTUNA, StudyRecord
from studies.tune.worker_pool import WorkerPool

if TYPE_CHECKING:
    from studies.running.mirror import Mirror


def make_mirror(folder: Path, record: StudyRecord) -> Mirror:
    """Optuna's database of a run, made anew by each process that runs the study."""
    from studies.running.mirror import Mirror, open_database

    path = folder / OPTUNA
    path.unlink(missing_ok=True)
    return Mirror(open_database(path), record, record.name)


_PAUSE = 9.0
"""Of a mirror, for each second that it took to bring it up to date."""


class LateMirror:
    """A mirror that is made when the first trial says something: that takes time, in which workers start.

    It is a copy for other tools: where it fails, that is said once, and the study goes on without it.
    """

    def __init__(
        self, make: Callable[[], Mirror], pool: WorkerPool, course: Course, console: Console
    ) -> None:
        self._console = console
        self._failed = False
        self._make = make
        self._pool = pool
        self._course = course
        self._mirror: Mirror | None = None
        self._due = 0.0

    def __enter__(self) -> LateMirror:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Brings it up to the last event, unless the study failed before any trial said a word."""
        if kind is None:
            self.update()
        else:
            self.tend()

    def follow(self) -> None:
        """`tend`, for a tenth of the time at most: it looks at every trial, of which there may be many."""
        begun = time.monotonic()
        if begun >= self._due:
            self.tend()
            now = time.monotonic()
            self._due = now + _PAUSE * (now - begun)

    def tend(self) -> None:
        """Brings it up to the last event, where anything was said."""
        if self._pool.since is not None:
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
            cause = str(error).partition("\n")[0] or type(error).__name__
            self._console.print(
                f"Warning: {OPTUNA}, the copy for Optuna's tools, is not updated any more: {cause}  "
                "The study goes on.",
                soft_wrap=True,
            )
