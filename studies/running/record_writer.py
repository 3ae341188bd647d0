"""Writes a run's records as its trials end, and removes what is no longer needed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dgm_core import Setup, Trainer
from dgm_core.training import configure_process
from studies.records.events import Metrics, Telemetry
from studies.records.files import write_study, write_table
from studies.records.history import Entry, History
from studies.records.rebuild import readable, write_tables
from studies.records.schema import CHECKPOINTS, PIECES, SOLUTIONS, TRIALS, StudyRecord
from studies.records.storage import Store
from studies.records.tables import ordered, trials_frame
from studies.running.collect import restored, save_fields, solutions_frame, write_piece
from studies.trials.checkpoints import drop_checkpoint, save_checkpoint
from studies.trials.trainable import measure, run_trial

_TABLE_SECONDS = 5.0
_KEPT = ("confirm", "ablation", "solve")
"""Phases whose checkpoints are needed to the end: their solutions and fields are kept."""
_TRAINED = ("completed", "diverged", "stopped")


class RecordWriter:
    """The records of one run, which can be made again from the log and the checkpoints in `store`."""

    def __init__(self, folder: Path, store: Store, record: StudyRecord, history: History) -> None:
        self.folder = folder
        self.store = store
        self.record = record
        self.history = history
        self._pieces: set[str] = set()
        self._saved = 0.0
        self._counted = -1

    def tend(self, busy: set[str]) -> None:
        """Sees to the trials that have ended since; those in `busy` still have a worker, which may write."""
        ended = [entry for entry in self.history.entries.values() if not entry.running]
        for entry in ended:
            if entry.trial not in busy and entry.trial not in self._pieces:
                self._settle(entry)
        now = time.monotonic()
        if len(ended) != self._counted and now - self._saved > _TABLE_SECONDS:
            write_table(
                self.folder, TRIALS, trials_frame(self.history, self.record.terms, self.record.metric)
            )
            self._saved, self._counted = now, len(ended)

    def measured(self) -> dict[str, Metrics]:
        """The trials that have not ended, as their checkpoints have them."""
        metrics = {}
        for entry in self.history.entries.values():
            if entry.running and not entry.trained:
                trainer = restored(self.store, entry)
                if trainer is not None:
                    metrics[entry.trial] = measure(trainer)
        return metrics

    def recover(self, tell: Callable[[str], None]) -> None:
        """Trains those again of which something is kept that no file holds any more: curves, or a solution.

        In this process, to the same bits: what the log says of them stays.  tell: is given each one's name.
        """
        configure_process()
        for entry in ordered(self.history.entries.values()):
            if entry.status not in _TRAINED or entry.spec.same_as is not None:
                continue
            piece = self.folder / PIECES / f"{entry.spec.folder}.parquet"
            if entry.spec.phase not in _KEPT and readable(piece):
                continue
            trainer = restored(self.store, entry)
            end = None if any(metrics.final for metrics in entry.reports.values()) else entry.iterations
            if trainer is not None and (trainer.done or (end is not None and trainer.iteration >= end)):
                continue
            tell(entry.trial)
            self._train(entry, None if trainer is None else trainer.state(), end)
            self._pieces.discard(entry.trial)

    def _train(self, entry: Entry, state: dict[str, Any] | None, end: int | None) -> None:
        def save(trainer: Trainer) -> None:
            save_checkpoint(trainer, self.store, entry.spec.folder)

        setup, seeds, rungs = Setup.from_dict(entry.spec.setup), entry.spec.seeds, tuple(entry.reports)
        run_trial(
            setup,
            seeds,
            rungs,
            _unheard,
            save,
            state,
            device=self.record.device,
            until=end,
            schedule=entry.spec.schedule,
        )

    def close(self) -> None:
        """Writes all tables and the record as the study stands; call it when no worker writes any more."""
        self.tend(set())
        for entry in self.history.entries.values():
            if entry.running:
                write_piece(self.folder, self.store, entry, self.record.terms)
        self.record.setups = self.history.setups
        self.record.schedules = self.history.schedules
        self.record.seconds = self.history.seconds
        counted = self.history.phase("search", "tune", "ablation", "solve")
        trained = [entry for entry in counted if entry.spec.same_as is None]
        self.record.iterations_run = sum(entry.worked for entry in trained)
        self.record.iterations_asked = sum(entry.asked for entry in counted)
        kept = self._trained()
        if kept or self.record.state == "finished":
            write_table(self.folder, SOLUTIONS, solutions_frame(kept))
        save_fields(self.folder, kept)
        write_tables(self.folder, self.history, self.record)
        write_study(self.folder, self.record)

    def tidy(self) -> None:
        """Removes what a finished study needs no more; call it when its records are where they stay."""
        if self.record.state == "finished":
            self.store.remove(CHECKPOINTS)
            shutil.rmtree(self.folder / PIECES, ignore_errors=True)

    def _settle(self, entry: Entry) -> None:
        write_piece(self.folder, self.store, entry, self.record.terms)
        if entry.spec.phase not in _KEPT:
            drop_checkpoint(self.store, entry.spec.folder)
        self._pieces.add(entry.trial)

    def _trained(self) -> list[tuple[Entry, Trainer]]:
        """What is left of the trials whose solutions are kept."""
        trainings = [(entry, restored(self.store, entry)) for entry in self._solved()]
        return [(entry, trainer) for entry, trainer in trainings if trainer is not None and trainer.done]

    def _solved(self) -> list[Entry]:
        """Confirmed and ablated trials that ended; one half of whose replicates diverged is among them."""
        entries = ordered(self.history.phase(*_KEPT))
        return [entry for entry in entries if entry.status in ("completed", "diverged")]


def _unheard(trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
    """The log knows it already."""
