"""Follows a study's trials as they run under Tune."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ray import tune

from studies.running.entries import TrialEntry
from studies.running.scheduling import RecordedASHA
from studies.running.trainable import Job


class Journal(tune.Callback):
    """Keeps a `TrialEntry` for every trial of a phase, in the order in which they began."""

    def __init__(
        self,
        *,
        phase: str,
        resolve: Callable[[Mapping[str, Any]], Job],
        began: float,
        scheduler: RecordedASHA | None = None,
    ) -> None:
        self.phase = phase
        self.entries: dict[str, TrialEntry] = {}
        self._resolve = resolve
        self._began = began
        self._scheduler = scheduler

    def elapsed(self) -> float:
        """Seconds since the study began."""
        return time.time() - self._began

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if trial.trial_id not in self.entries:
            job = self._resolve(trial.config)
            self.entries[trial.trial_id] = TrialEntry(self._name(job), job, self.elapsed())
        entry = self.entries[trial.trial_id]
        entry.running, entry.error = True, None

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self.entries[trial.trial_id].result = result

    def on_checkpoint(
        self, iteration: int, trials: list[Any], trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        self.entries[trial.trial_id].checkpoint = Path(checkpoint.path)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._end(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._end(trial.trial_id, error=_last_line(trial.error_file))

    def close(self) -> None:
        """Ends what still runs: those trials were interrupted."""
        for trial_id, entry in self.entries.items():
            if entry.running:
                self._end(trial_id)

    def get_state(self) -> dict[str, Any]:
        return {"entries": self.entries}

    def set_state(self, state: dict[str, Any]) -> None:
        self.entries = state["entries"]

    def _name(self, job: Job) -> str:
        """Unique in the run: a number in a search, the arm in an ablation."""
        if job.arm is None:
            return f"{len(self.entries) + 1:03d}"
        name = job.arm if self.phase == "ablation" else f"{self.phase}-{job.arm}"
        return name if job.first == 0 else f"{name}-{job.first}"

    def _end(self, trial_id: str, error: str | None = None) -> None:
        entry = self.entries[trial_id]
        entry.ended = self.elapsed()
        entry.error = error
        entry.running = False
        if self._scheduler is not None:
            entry.rung = self._scheduler.stopped(trial_id)


def _last_line(path: str | None) -> str:
    """The exception's own line of a trial's traceback."""
    if path is None or not Path(path).exists():
        return "the trial failed and left no message"
    lines = [line.strip() for line in Path(path).read_text().splitlines() if line.strip()]
    return lines[-1] if lines else "the trial failed and left no message"
