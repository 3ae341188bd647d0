"""One setup trained in this process, with the records of a study of one trial.  No Ray."""

from __future__ import annotations

import json
import os
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgm_core import Setup, Trainer
from dgm_core.extensions import explained, said
from dgm_core.training import choose_device, configure_process, loop, median
from studies.errors import StudyError
from studies.failures import disk_full, keep_traceback, resume_hint
from studies.planning.plans.base import ended
from studies.planning.trial import Trial
from studies.records.events import Began, Left, Metrics, Replicates, Reported, Retried, Telemetry
from studies.records.files import replacing, write_study, write_table
from studies.records.folders import check_file, make_folder
from studies.records.history import Entry, History
from studies.records.intervals import confirmed
from studies.records.log import VERSION, Log, read_log
from studies.records.schema import CHECKPOINTS, CURVES, FAILURES, SOLUTIONS, TRIALS, StudyRecord
from studies.records.storage import Store
from studies.records.tables import trials_frame
from studies.running.collect import curve_frame, resolved, save_field, solutions_frame, write_model
from studies.running.describe import base_record
from studies.running.holding import holding
from studies.sources import keep_sources, sources_record
from studies.study import replicate_seeds
from studies.trials.checkpoints import load_checkpoint, save_checkpoint
from studies.trials.trainable import measure, run_trial

ERRORS = "errors.json"

Progress = Callable[[loop.Progress, float, float], None]
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
    on_progress: Progress | None = None,
    model: Path | None = None,
    device: str = "auto",
) -> Solved:
    """Trains `replicates` seeds of a setup and records it; an interrupt keeps what was done.

    Raises ConfigurationError before anything is trained where the folder or the file `model` cannot
    be written.
    """
    if model is not None:
        check_file(model)
    device = choose_device(device)
    seeds = replicate_seeds(seed, "solve", replicates)
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
        },
    )
    with holding(folder, command or "studies.solve"):
        record.sources = sources_record(keep_sources(folder, setup))
        write_study(folder, record)
        return _train(setup, folder, record, on_progress)


def resume_solve(
    setup: Setup, folder: Path, record: StudyRecord, on_progress: Progress | None = None
) -> Solved:
    """Goes on with a solve from its last checkpoint; nothing is trained where it had ended.

    Raises StudyError where training cannot go on, or another process runs it.
    """
    with holding(folder, record.command or "studies.solve"):
        return _train(setup, folder, record, on_progress)


def kept_outcome(folder: Path) -> dict[str, Any]:
    """What a solve that is finished came to, see `Solved.summary`.

    Raises StudyError where the file is missing or damaged.
    """
    path = folder / ERRORS
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
        kept.setdefault("score", kept.get(kept.get("metric", "mae")))  # of before schema version 3
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (AttributeError, RecursionError, ValueError):
        raise StudyError(f"{path} is damaged: it is no JSON object.") from None
    return kept


def _train(setup: Setup, folder: Path, record: StudyRecord, on_progress: Progress | None) -> Solved:
    configure_process()
    seeds = record.seeds["solve"]
    trial = Trial(record.definition["settings"], "solve", 0, setup, tuple(seeds), key="base")
    with Log(folder) as log:
        history = History(read_log(folder))

        def append(*events: Any) -> None:
            for event in log.append(events):
                history.fold(event)

        append(Began(version=VERSION, process=os.getpid(), host=socket.gethostname()))
        if trial.name not in history.entries:
            append(trial.event())
        entry = history.entries[trial.name]

        def polishing(iterations: int, done: int, of: int) -> None:
            news = entry.polish_news(iterations, done, of)
            if news is not None:
                append(news)

        training: _Training | None = None
        try:
            training = _Training(folder, trial, on_progress, record.device, polishing)
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
            record.state = "failed"
            append(Retried(trial=trial.name, error=said(error)), Left(state="failed"))
            write_study(folder, record)
            raise _failed(folder, trial, error) from error
        else:
            record.state = "finished"
        metrics = training.measured()
        measured = {} if metrics.final else {trial.name: metrics}
        if metrics.final and entry.running:
            append(Reported(trial=trial.name, metrics=metrics), ended(trial.name, metrics))
        append(Left(state=record.state, measured=measured))
        summary = _write(folder, record, history, entry, training.trainer)
        if record.state == "finished":
            Store.at(folder).remove(CHECKPOINTS)
    return Solved(folder, summary)


def _failed(folder: Path, trial: Trial, error: Exception) -> StudyError:
    """What is said of a training that raised; its traceback is kept."""
    kept = keep_traceback(folder, trial.folder, "".join(traceback.format_exception(error)))
    return StudyError(
        f"{trial.setup.problem.name} could not be trained further: {explained(error) or said(error)} "
        f"(the traceback is in {folder / FAILURES / kept}); "
        f"from its last checkpoint it goes on with: {resume_hint(folder)}"
    )


class _Training:
    """Trains a trial here, from its checkpoint."""

    def __init__(
        self,
        folder: Path,
        trial: Trial,
        on_progress: Progress | None,
        device: str,
        on_polish: Callable[[int, int, int], None],
    ) -> None:
        self._store = Store.at(folder)
        self._trial = trial
        self._on_progress = on_progress
        self._on_polish = on_polish
        self._device = device
        self._telemetry: Telemetry | None = None
        self.trainer = Trainer(trial.setup, trial.seeds, device=device)

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
        return state

    def _save(self, trainer: Trainer) -> None:
        save_checkpoint(trainer, self._store, self._trial.folder)

    def _told(self, trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
        self.trainer, self._telemetry = trainer, telemetry
        far, curves = trainer.progress, trainer.curves
        if far.polishing:
            self._on_polish(trainer.iteration, far.done, far.of)
        errors = curves.polish_errors if far.polishing and curves.polish_errors else curves.errors
        if self._on_progress is not None and trainer.iteration and errors:
            self._on_progress(far, median(far.loss), median(errors[-1][1]))


def _write(
    folder: Path, record: StudyRecord, history: History, entry: Entry, trainer: Trainer
) -> dict[str, Any]:
    """Everything a run folder holds, from a training and its log."""
    record.seconds = history.seconds
    record.iterations_run, record.iterations_asked = trainer.iteration, entry.asked
    terms = record.terms
    write_table(folder, TRIALS, trials_frame(history, terms, record.metric))
    write_table(folder, CURVES, curve_frame(entry, trainer.curves.state(), terms))
    write_table(folder, SOLUTIONS, solutions_frame([(entry, trainer)]))
    summary = _summary(folder, record, trainer.setup, entry)
    with replacing(folder / ERRORS) as file:
        file.write((json.dumps(summary, indent=2) + "\n").encode())
    save_field(folder, "solution", [trainer.result()])
    model = record.definition.get("model")
    if model is not None:
        write_model(trainer.result(), Path(model))
    write_study(folder, record)  # last: a run that says it is finished has all of them
    return summary


def _summary(folder: Path, record: StudyRecord, setup: Setup, entry: Entry) -> dict[str, Any]:
    assert entry.measured is not None
    measured, values = entry.measured, entry.measured.replicates
    return {
        "run": str(folder),
        "problem": setup.problem.name,
        "config": resolved(setup),
        "metric": setup.problem.metric,
        "score": confirmed(values.scores),
        **{metric: confirmed(own) for metric, own in values.errors.items()},
        "yardsticks": record.yardsticks,
        "diverged_by": sorted({reason for reason in values.reasons if reason is not None}),
        "replicates": [
            {
                "seed": seed,
                "status": values.status[k],
                **{metric: own[k] for metric, own in values.errors.items()},
            }
            for k, seed in enumerate(entry.spec.seeds)
        ],
        "iterations": entry.iterations,
        "seconds": measured.seconds,
        "status": entry.status or "interrupted",
        "notes": [*measured.notes, *_divergences(setup, values)],
        "constants": {
            name: {**confirmed(own), "true": type(setup.problem).trained()[name].truth}
            for name, own in values.constants.items()
        },
    }


def _divergences(setup: Setup, values: Replicates) -> list[str]:
    """Why replicates diverged, a sentence for each reason."""
    found: dict[str, int] = {}
    for reason in values.reasons:
        if reason is not None:
            found[reason] = found.get(reason, 0) + 1
    total = len(values.status)
    return [f"{setup.problem.name}: diverged ({n} of {total}): {reason}." for reason, n in found.items()]
