"""One setup trained in this process, with the records of a study of one trial.  No Ray."""

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
from dgm_core.training import TrainingProgress, choose_device, configure_process, median
from dgm_core.training.field_file import write
from studies.errors import StudyError
from studies.failures import disk_full, keep_traceback
from studies.hints import resume_hint
from studies.planning.clock import silence_allowed
from studies.planning.plans.base import ended
from studies.planning.trial import Trial
from studies.preflight import Question, examine, refuse
from studies.records.events import Began, Left, Metrics, Reported, Retried, Silent, Telemetry
from studies.records.files import write_study
from studies.records.folders import check_file, make_folder
from studies.records.history import History
from studies.records.log import VERSION, Log, read_log
from studies.records.schema import CHECKPOINTS, FAILURES, StudyRecord
from studies.records.storage import Store
from studies.running.describe import base_record
from studies.running.holding import holding
from studies.running.solve_outcome import write_outcome
from studies.running.start import START, begin, weights_of
from studies.running.vigil import HungError, Vigil
from studies.signals import unbroken
from studies.sources import keep_sources, sources_record
from studies.study import replicate_seeds
from studies.trials.checkpoints import load_checkpoint, save_checkpoint
from studies.trials.trainable import measure, run_trial

OnProgress = Callable[[TrainingProgress, float, float], None]
"""(how far the training or a polish is, median loss, median score)"""


@dataclass(frozen=True)
class Solved:
    """The run folder and what `dgm solve --json` prints."""

    folder: Path
    summary: dict[str, Any]


def solve_setup(
    setup: Setup,
    *,
    out: Path,
    seed: int = 0,
    replicates: int = 5,
    run: str | None = None,
    settings: str = "paper",
    quick: bool = False,
    command: str | None = None,
    on_progress: OnProgress | None = None,
    model: Path | None = None,
    device: str = "auto",
    timeout: float | None = None,
    start: Path | None = None,
    alone: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Solved:
    """Trains `replicates` seeds of a setup and records it; an interrupt keeps what was done.

    start: a saved field whose weights the training begins with; the run keeps a copy.

    Warnings of the preflight checks are told and recorded.

    timeout: seconds without progress after which the training has failed, by default from its estimate and
    ten minutes at least.  alone: the process is for this, and ended where what hangs can be ended in no other
    way.  tell: is given a sentence where the training says nothing for some minutes.

    Raises ConfigurationError before anything is trained where the folder or the file `model` cannot
    be written, or a check of the settings finds an error.
    """
    if model is not None:
        check_file(model)
    device = choose_device(device)
    seeds = replicate_seeds(seed, "solve", replicates)
    findings = examine(Question(setup))
    refuse(findings)
    warnings = [finding for finding in findings if finding.level == "warning"]
    for finding in warnings:
        (tell or ignored)(f"Warning: {finding}")
    begun = None if start is None else weights_of(start, setup, seeds)
    problem = setup.problem
    folder = make_folder(out, f"solve-{problem.name}", run)
    record = base_record(
        setup,
        name=f"solve-{problem.name}",
        kind="solve",
        question=f"How well do the settings {settings!r} solve {problem.name}?",
        run=folder.name,
        seed=seed,
        quick=quick,
        command=command,
        replicates=replicates,
        device=device,
        trials_asked=1,
        seeds={"solve": seeds},
        setups={settings: setup.to_dict()},
        definition={
            "kind": "solve",
            "setup": setup.to_dict(),
            "settings": settings,
            "model": None if model is None else str(model.absolute()),
            "timeout": timeout,
            "start": None if start is None else str(start),
        },
    )
    record.preflight = [finding.to_dict() for finding in warnings]
    with holding(folder, command or "studies.solve"):
        record.sources = sources_record(keep_sources(folder, setup, record.definition["model"]))
        if begun is not None:
            (folder / START).parent.mkdir(exist_ok=True)
            write(setup, seeds, begun, folder / START)
        write_study(folder, record)
        return _train(setup, folder, record, on_progress, alone=alone, tell=tell)


def resume_solve(
    setup: Setup,
    folder: Path,
    record: StudyRecord,
    on_progress: OnProgress | None = None,
    *,
    alone: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Solved:
    """Goes on with a solve from its last checkpoint; nothing is trained where it had ended.

    Raises StudyError where training cannot go on, or another process runs it.
    """
    with holding(folder, record.command or "studies.solve"):
        return _train(setup, folder, record, on_progress, alone=alone, tell=tell)


def _train(
    setup: Setup,
    folder: Path,
    record: StudyRecord,
    on_progress: OnProgress | None,
    *,
    alone: bool,
    tell: Callable[[str], None] | None,
) -> Solved:
    configure_process()
    seeds = record.seeds["solve"]
    trial = Trial(record.definition["settings"], "solve", 0, setup, tuple(seeds), key="base")
    with Log(folder) as log:
        history = History(read_log(folder))

        def append(*events: Any) -> None:
            for event in log.append(events):
                history.fold(event)

        def polishing(iterations: int, done: int, of: int) -> None:
            news = history.entries[trial.name].polish_news(iterations, done, of)
            if news is not None:
                append(news)

        def fail(cause: str, text: str) -> None:
            """Records that the training has failed."""
            record.state = "failed"
            append(Retried(trial=trial.name, error=cause), Left(state="failed"))
            write_study(folder, record)
            keep_traceback(folder, trial.folder, text)

        timeout = record.definition.get("timeout") or silence_allowed(setup, len(seeds))
        hung = f"no progress for {timeout:.3g} s"

        def silent(seconds: float) -> None:
            append(Silent(trial=trial.name, seconds=seconds))
            name = setup.problem.name
            told = f"{name} has made no progress for {seconds:.3g} s; after {timeout:.3g} s it is ended."
            (tell or ignored)(told if seconds else f"{name} makes progress again.")

        def give_up(text: str) -> None:
            fail(hung, text)
            os.write(2, f"dgm: {_failed(folder, trial, hung)}\n".encode())
            os._exit(1)

        trace = folder / CHECKPOINTS / f"hung-{trial.folder}.txt"
        vigil = Vigil(timeout, silent, give_up=give_up if alone else None, trace=trace)
        training: _Training | None = None
        try:
            with unbroken():
                append(Began(version=VERSION, process=os.getpid(), host=socket.gethostname()))
                if trial.name not in history.entries:
                    append(trial.event())
            training = _Training(folder, trial, on_progress, record.device, polishing, vigil.heard)
            with vigil.kept():
                training.go()
        except KeyboardInterrupt:
            record.state = "interrupted"
            if training is None or training.trainer.iteration == 0:
                append(Left(state=record.state))
                write_study(folder, record)
                raise  # there is nothing to measure
        except Exception as error:
            if disk_full(f"{error} {error.__cause__}"):
                raise
            fail(in_one_line(error), "".join(traceback.format_exception(error)))
            raise _failed(folder, trial, explained(error) or in_one_line(error)) from error
        except HungError as error:
            fail(hung, "".join(traceback.format_exception(error)))
            raise _failed(folder, trial, hung) from None
        else:
            record.state = "finished"
        with unbroken():
            entry, metrics = history.entries[trial.name], training.measured()
            measured = {} if metrics.final else {trial.name: metrics}
            if metrics.final and entry.running:
                append(Reported(trial=trial.name, metrics=metrics), ended(trial.name, metrics))
            append(Left(state=record.state, measured=measured))
            summary = write_outcome(folder, record, history, entry, training.trainer)
            if record.state == "finished":
                Store.at(folder).remove(CHECKPOINTS)
    return Solved(folder, summary)


def _failed(folder: Path, trial: Trial, cause: str) -> StudyError:
    """What is said of a training that raised or hung."""
    return StudyError(
        f"{trial.setup.problem.name} could not be trained further: {cause} "
        f"(the traceback is in {folder / FAILURES / f'{trial.folder}.txt'}); "
        f"its last checkpoint is kept; {resume_hint(folder)}"
    )


def ignored(sentence: str) -> None:
    """Tells nobody."""


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
