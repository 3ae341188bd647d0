"""One process's turn at a solve: it trains on from the last checkpoint and logs what becomes of it."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgm_core import Setup, Trainer
from dgm_core.extensions import explained, in_one_line
from dgm_core.training import TrainingProgress, configure_process, median
from studies.errors import StudyError
from studies.failures import disk_full, keep_traceback
from studies.hints import resume_hint
from studies.planning.clock import silence_allowed
from studies.planning.plans.base import ended
from studies.planning.trial import Trial
from studies.records.events import Began, Event, Left, Metrics, Reported, Retried, Silent, Telemetry
from studies.records.files import write_study
from studies.records.history import History
from studies.records.log import VERSION, Log, read_log
from studies.records.schema import CHECKPOINTS, FAILURES, StudyRecord
from studies.records.storage import Store
from studies.running.solve_outcome import write_outcome
from studies.running.start import begin
from studies.running.vigil import HungError, Vigil
from studies.signals import unbroken
from studies.trials.checkpoints import load_checkpoint, save_checkpoint
from studies.trials.trainable import measure, run_trial

OnProgress = Callable[[TrainingProgress, float, float], None]
"""(how far the training or a polish is, median loss, median score)"""


@dataclass(frozen=True)
class Solved:
    """The run folder and what `dgm solve --json` prints."""

    folder: Path
    summary: dict[str, Any]


def sit(
    setup: Setup,
    folder: Path,
    record: StudyRecord,
    on_progress: OnProgress | None,
    *,
    alone: bool,
    tell: Callable[[str], None],
) -> Solved:
    """Trains to the end and writes what came of it; a training that had ended is not trained again.

    An interrupt keeps what was done, and is raised where nothing was.  Raises StudyError where training
    cannot go on.
    """
    configure_process()
    with Log(folder) as log:
        return _Sitting(setup, folder, record, log, tell, alone=alone).train(on_progress)


class _Sitting:
    def __init__(
        self,
        setup: Setup,
        folder: Path,
        record: StudyRecord,
        log: Log,
        tell: Callable[[str], None],
        *,
        alone: bool,
    ) -> None:
        seeds = record.seeds["solve"]
        self._folder, self._record, self._log, self._tell = folder, record, log, tell
        self._history = History(read_log(folder))
        self._trial = Trial(record.definition["settings"], "solve", 0, setup, tuple(seeds), key="base")
        self._timeout: float = record.definition.get("timeout") or silence_allowed(setup, len(seeds))
        self._hung = f"no progress for {self._timeout:.3g} s"
        self._vigil = Vigil(
            self._timeout,
            self._silent,
            give_up=self._give_up if alone else None,
            trace=folder / CHECKPOINTS / f"hung-{self._trial.folder}.txt",
        )

    def train(self, on_progress: OnProgress | None) -> Solved:
        training: _Training | None = None
        try:
            self._begin()
            training = _Training(
                self._folder,
                self._trial,
                on_progress,
                self._record.device,
                self._polishing,
                self._vigil.heard,
            )
            with self._vigil.kept():
                training.go()
        except KeyboardInterrupt:
            self._record.state = "interrupted"
            if training is None or training.trainer.iteration == 0:
                self._append(Left(state=self._record.state))
                write_study(self._folder, self._record)
                raise  # there is nothing to measure
        except Exception as error:
            if disk_full(f"{error} {error.__cause__}"):
                raise
            self._fail(in_one_line(error), "".join(traceback.format_exception(error)))
            raise self._failed(explained(error) or in_one_line(error)) from error
        except HungError as error:
            self._fail(self._hung, "".join(traceback.format_exception(error)))
            raise self._failed(self._hung) from None
        else:
            self._record.state = "finished"
        with unbroken():
            return self._end(training)

    def _begin(self) -> None:
        with unbroken():
            self._append(Began(version=VERSION, process=os.getpid(), host=socket.gethostname()))
            if self._trial.name not in self._history.entries:
                self._append(self._trial.event())

    def _end(self, training: _Training) -> Solved:
        """Records where the training stands, finished or not."""
        name = self._trial.name
        entry, metrics = self._history.entries[name], training.measured()
        measured = {} if metrics.final else {name: metrics}
        if metrics.final and entry.running:
            self._append(Reported(trial=name, metrics=metrics), ended(name, metrics))
        self._append(Left(state=self._record.state, measured=measured))
        summary = write_outcome(self._folder, self._record, self._history, entry, training.trainer)
        if self._record.state == "finished":
            Store.at(self._folder).remove(CHECKPOINTS)
        return Solved(self._folder, summary)

    def _append(self, *events: Event) -> None:
        for event in self._log.append(events):
            self._history.fold(event)

    def _polishing(self, iterations: int, done: int, of: int) -> None:
        news = self._history.entries[self._trial.name].polish_news(iterations, done, of)
        if news is not None:
            self._append(news)

    def _silent(self, seconds: float) -> None:
        self._append(Silent(trial=self._trial.name, seconds=seconds))
        name = self._trial.setup.problem.name
        ends = f"{name} has made no progress for {seconds:.3g} s; after {self._timeout:.3g} s it is ended."
        self._tell(ends if seconds else f"{name} makes progress again.")

    def _give_up(self, text: str) -> None:
        self._fail(self._hung, text)
        os.write(2, f"dgm: {self._failed(self._hung)}\n".encode())
        os._exit(1)

    def _fail(self, cause: str, text: str) -> None:
        """Records that the training has failed, with a traceback."""
        self._record.state = "failed"
        self._append(Retried(trial=self._trial.name, error=cause), Left(state="failed"))
        write_study(self._folder, self._record)
        keep_traceback(self._folder, self._trial.folder, text)

    def _failed(self, cause: str) -> StudyError:
        """What is said of a training that raised or hung."""
        return StudyError(
            f"{self._trial.setup.problem.name} could not be trained further: {cause} "
            f"(the traceback is in {self._folder / FAILURES / f'{self._trial.folder}.txt'}); "
            f"its last checkpoint is kept; {resume_hint(self._folder)}"
        )


class _Training:
    """Trains a trial here, from its checkpoint."""

    def __init__(
        self,
        folder: Path,
        trial: Trial,
        on_progress: OnProgress | None,
        device: str,
        on_polish: Callable[[int, int, int], None],
        heard: Callable[[], None],
    ) -> None:
        self._store = Store.at(folder)
        self._trial = trial
        self._on_progress = on_progress
        self._on_polish = on_polish
        self._heard = heard
        self._device = device
        self._telemetry: Telemetry | None = None
        self.trainer = Trainer(trial.setup, trial.seeds, device=device)
        begin(self.trainer, folder)

    def measured(self) -> Metrics:
        """As it stands."""
        return measure(self.trainer).model_copy(update={"telemetry": self._telemetry})

    def go(self) -> None:
        """Trains to the end."""
        setup, seeds, state = self._trial.setup, self._trial.seeds, self._state()
        run_trial(setup, seeds, (), self._told, self._save, state, device=self._device)

    def _state(self) -> dict[str, Any] | None:
        state = load_checkpoint(self._store, self._trial.folder)
        if state is not None:
            self.trainer.restore(state)
        elif self.trainer.network.warm:
            state = self.trainer.state()
        return state

    def _save(self, trainer: Trainer) -> None:
        save_checkpoint(trainer, self._store, self._trial.folder)

    def _told(self, trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
        self._heard()
        self.trainer, self._telemetry = trainer, telemetry
        far, curves = trainer.progress, trainer.curves
        if far.polishing:
            self._on_polish(trainer.iteration, far.done, far.of)
        errors = curves.polish_errors if far.polishing and curves.polish_errors else curves.errors
        if self._on_progress is not None and trainer.iteration and errors:
            self._on_progress(far, median(far.loss), median(errors[-1][1]))
