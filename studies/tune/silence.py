"""Trials whose workers say nothing: told after a while, given up after longer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from studies.planning.clock import silence_allowed, told_after
from studies.planning.course import Course
from studies.planning.trial import Trial
from studies.records.schema import RAY
from studies.records.storage import Store
from studies.tune.worker_pool import WorkerPool

_NEARLY = 0.8
"""Of the time without progress, from which on a lost worker counts as one that hung."""


class SilenceLimit:
    """How long each trial of a study may say nothing.

    timeout: seconds, for all trials; by default from the estimate of each one's training.  tell: is given a
    sentence about each that says nothing, and one when it is heard again.
    """

    def __init__(
        self, course: Course, pool: WorkerPool, timeout: float | None, tell: Callable[[str], None]
    ) -> None:
        self._course = course
        self._pool = pool
        self._timeout = timeout
        self._tell = tell
        self._told: set[str] = set()
        self._estimated: dict[str, float] = {}

    def timeout(self, trial: Trial) -> float:
        """Seconds without progress after which a trial is ended."""
        if self._timeout is not None:
            return self._timeout
        if trial.name not in self._estimated:
            self._estimated[trial.name] = silence_allowed(trial.setup, len(trial.seeds))
        return self._estimated[trial.name]

    def hangs(self, name: str) -> bool:
        """Whether a trial has said nothing for as long as it may, or is about to have."""
        silence = self._pool.silences().get(name, 0.0)
        return silence >= _NEARLY * self.timeout(self._course.trial(name))

    def tend(self) -> None:
        """Says, and logs, who says nothing and who is heard again."""
        for name, silence in self._pool.silences().items():
            timeout = self.timeout(self._course.trial(name))
            silent = silence >= told_after(timeout)
            if silent == (name in self._told) or not self._course.entry(name).running:
                continue
            if silent:
                self._told.add(name)
                self._tell(f"{name} has said nothing for {silence:.3g} s; after {timeout:.3g} s it is ended.")
            else:
                self._told.discard(name)
                self._tell(f"{name} is heard again.")
            self._course.silent(name, silence if silent else 0.0)


def trace_of(store: Store, folder: str) -> Path:
    """Where a trial's worker leaves what it hung in: for others to read where a run's storage is a folder."""
    place = tempfile.gettempdir() if store.remote else store.below(RAY).path
    return Path(place) / f"hung-{folder}.txt"
