"""One setup trained in this process, with the records of a study of one trial.  No Ray."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgm_core import Setup, Trainer
from dgm_core.training import configure_process, median, save_model
from studies.records import CURVES, SOLUTIONS, TRIALS, write_study, write_table
from studies.records.folders import check_file, make_folder
from studies.records.intervals import confirmed
from studies.running import collect
from studies.running.describe import base_record
from studies.running.entries import TrialEntry
from studies.running.trainable import Job, measure
from studies.sources import keep_sources, sources_record
from studies.study import replicate_seeds

_REPORT_SECONDS = 0.5
ERRORS = "errors.json"

Progress = Callable[[int, float, float], None]
"""(iteration, median loss, median score)"""


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
) -> Solved:
    """Trains `replicates` seeds of a setup and records it; an interrupt keeps what was done.

    Raises ConfigurationError before anything is trained where the folder or the file `model` cannot
    be written.
    """
    if model is not None:
        check_file(model)
    configure_process()
    seeds = replicate_seeds(seed, "solve", replicates)
    problem = setup.problem
    trainer = Trainer(setup, seeds)
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
        trials_asked=1,
        seeds={"solve": seeds},
        setups={settings: setup.to_dict()},
    )
    record.sources = sources_record(keep_sources(folder, setup))
    entry = TrialEntry(settings, Job(setup, tuple(seeds)), started=0.0)
    began = time.time()
    try:
        _train(trainer, on_progress)
    except KeyboardInterrupt:
        record.state = "interrupted"
    else:
        record.state = "finished"
    entry.result = measure(trainer)
    entry.ended, entry.running = time.time() - began, False
    record.seconds = entry.ended
    record.iterations_run, record.iterations_asked = trainer.iteration, setup.config.iterations
    write_table(folder, TRIALS, collect.trials_frame(collect.entry_rows("solve", entry)))
    write_table(folder, CURVES, collect.curves_frame([(entry, trainer.curves.state())]))
    write_table(
        folder, SOLUTIONS, collect.typed_solutions([collect.prediction_frame(trainer, "solve", entry)])
    )
    write_study(folder, record)
    summary = _summary(folder, setup, entry, seeds)
    (folder / ERRORS).write_text(json.dumps(summary, indent=2) + "\n")
    collect.save_field(folder, "solution", [trainer.result()])
    if model is not None:
        save_model(trainer.result(), model)
    return Solved(folder, summary)


def _train(trainer: Trainer, on_progress: Progress | None) -> None:
    while not trainer.done:
        trainer.advance(trainer.setup.config.iterations, seconds=_REPORT_SECONDS)
        if on_progress is not None:
            metrics = measure(trainer)
            on_progress(trainer.iteration, metrics["loss"], median(metrics["replicates"]["scores"]))


def _summary(folder: Path, setup: Setup, entry: TrialEntry, seeds: list[int]) -> dict[str, Any]:
    values = entry.result["replicates"]
    return {
        "run": str(folder),
        "problem": setup.problem.name,
        "config": collect.resolved(setup),
        "metric": setup.problem.metric,
        **{metric: confirmed(own) for metric, own in values["errors"].items()},
        "replicates": [
            {
                "seed": seed,
                "status": values["status"][k],
                **{metric: collect.finite(own[k]) for metric, own in values["errors"].items()},
            }
            for k, seed in enumerate(seeds)
        ],
        "iterations": entry.iterations,
        "seconds": entry.result["seconds"],
        "status": str(entry.status),
    }
