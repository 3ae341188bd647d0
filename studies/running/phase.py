"""One phase of a study: one Tuner, and the function that its trials run."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ray import tune

from dgm_core import Trainer
from dgm_core.training import checkpoint, configure_process
from studies.running.shipment import Shipment
from studies.running.trainable import run_trial

_MAX_FAILURES = 2
"""Times a trial is resumed from its checkpoint after its worker or node was lost."""
_SAVE_SECONDS = 2.0


def run_phase(
    name: str,
    shipment: Shipment,
    config: tune.TuneConfig,
    callbacks: Sequence[tune.Callback],
    *,
    storage: Path,
    space: Mapping[str, Any] | None = None,
    per_core: int = 1,
) -> None:
    """Runs a task's trials, `per_core` of them sharing a core, until they end or are interrupted.

    Tune keeps its files under `storage/name`.
    """
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(tune_trial, shipment=shipment), {"cpu": 1.0 / per_core}),
        param_space=dict(space or {}),
        tune_config=config,
        run_config=tune.RunConfig(
            name=name,
            storage_path=str(storage),
            verbose=0,
            callbacks=list(callbacks),
            failure_config=tune.FailureConfig(max_failures=_MAX_FAILURES),
        ),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuner.fit()


def tune_trial(config: dict[str, Any], shipment: Shipment) -> None:
    """The function trainable: a trial under Ray Tune, resumed from its checkpoint where it has one."""
    configure_process()
    begun = tune.get_checkpoint()
    state = None
    if begun is not None:
        with begun.as_directory() as folder:
            state = checkpoint.load(folder)

    def report(metrics: dict[str, Any], trainer: Trainer, write: bool) -> None:
        if not write:
            tune.report(metrics)
            return
        with tempfile.TemporaryDirectory() as folder:
            checkpoint.save(trainer.state(), folder)
            tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(folder))

    task = shipment.open()
    job = task.job(config)
    run_trial(job.setup, job.seeds, task.rungs, report, state)


class Saver(tune.Callback):
    """Calls `save` as trials end, so that a killed study leaves what it knew."""

    def __init__(self, save: Callable[[], None]) -> None:
        self._save: Callable[[], None] | None = save
        self._saved = 0.0

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if self._save is not None and time.time() - self._saved > _SAVE_SECONDS:
            self._save()
            self._saved = time.time()

    def __getstate__(self) -> dict[str, Any]:
        # What it saves belongs to this process; a restored study makes its own.
        return {"_save": None, "_saved": 0.0}
