"""Starts the Tuner of a study, and the function that its trials run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ray import tune
from ray.exceptions import RayError
from ray.tune.logger import TBXLoggerCallback

from dgm_core import Trainer
from dgm_core.extensions import explained
from dgm_core.training import configure_process
from studies.errors import StudyError
from studies.hints import resume_hint
from studies.records.events import Metrics, ScheduleStep, Telemetry
from studies.records.schema import RAY
from studies.records.storage import Store
from studies.signals import handlers_kept
from studies.trials.checkpoints import load_checkpoint, save_checkpoint, snapshot_folder
from studies.trials.trainable import progress, run_trial
from studies.trials.watchdog import Watchdog
from studies.tune.actors import named_actors
from studies.tune.arrival import arrival_parts
from studies.tune.private.controller import SPREAD
from studies.tune.ray_parts import Arrival
from studies.tune.silence import trace_of
from studies.tune.trial_payload import TrialPayload
from studies.tune.tuning import BEGUN, METRICS, Engine, PlanCallback, PlanScheduler, PlanSearcher

_MOST_TRIALS = 10_000
"""Under way at once; the plan gives out no more than there are cores and places for."""
_MAX_FAILURES = 2
"""Times a trial goes back to its checkpoint, its worker or node being lost or its code having raised."""


def launch(
    engine: Engine,
    payload: TrialPayload,
    callbacks: Sequence[tune.Callback],
    *,
    share: Mapping[str, float],
    session: int,
    device: str,
    named_after: str | None = None,
    arrival: Arrival | None = None,
) -> None:
    """Runs what a study's plan has left to do, until it is done, halted or interrupted.

    share: what a trial reserves, in Ray's names and units.  session: how many processes have run the study,
    this one included; Tune keeps its files under `ray/<session>`.  named_after: the study, where each trial
    is to be an actor of its own that Ray's dashboard lists by name; otherwise trials follow each other on the
    same actors, which spares each a second or two.  arrival: Tune's own searcher and scheduler, where those
    choose.  Raises StudyError where Ray's own processes are
    lost.
    """
    trainable = tune.with_parameters(tune_trial, payload=payload, store=engine.store, device=device)
    if named_after is not None:
        trainable = named_actors(trainable, named_after)
    engine.reuses_workers = named_after is None and (engine.pool.alone or SPREAD.usable)
    searcher, scheduler = PlanSearcher(engine), PlanScheduler(engine)
    if arrival is not None:
        searcher, scheduler = arrival_parts(engine, arrival)
    tuner = tune.Tuner(
        tune.with_resources(trainable, tune.PlacementGroupFactory([dict(share)])),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
            num_samples=-1,
            max_concurrent_trials=_MOST_TRIALS,
            reuse_actors=engine.reuses_workers,
            trial_name_creator=lambda trial: str(trial.config["trial"]),
            trial_dirname_creator=lambda trial: f"{trial.config['folder']}",
        ),
        run_config=tune.RunConfig(
            name=str(session),
            # A path as such: as a URI its "?" and "#" would have a meaning.
            storage_path=engine.store.below(RAY).path,
            storage_filesystem=engine.store.filesystem,
            verbose=0,
            callbacks=[PlanCallback(engine), BoundedTensorBoard(), *callbacks],
            failure_config=tune.FailureConfig(max_failures=_MAX_FAILURES),
        ),
    )
    with warnings.catch_warnings(), handlers_kept():
        warnings.simplefilter("ignore")
        try:
            tuner.fit()
        except Exception as error:  # Tune wraps what it has met
            met = error.__cause__ or error
            if not isinstance(met, RayError):
                raise
            cause = str(met).partition("\n")[0]
            again = f"{resume_hint(engine.folder)}"
            raise StudyError(f"Ray's processes were lost ({cause}); {again}") from error


class BoundedTensorBoard(TBXLoggerCallback):
    """TensorBoard's events at rungs and ends alone, so that their size does not grow with time."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        if METRICS in result:
            values = {key: value for key, value in result.items() if key != METRICS}
            super().log_trial_result(iteration, trial, values)


def tune_trial(config: dict[str, Any], payload: TrialPayload, store: Store, device: str) -> None:
    """The function trainable: a trial under Ray Tune, from its checkpoint where it has one."""
    configure_process()

    def report(trainer: Trainer, telemetry: Telemetry | None, metrics: Metrics | None) -> None:
        told = {} if metrics is None else {METRICS: metrics.model_dump_json()}
        with watchdog.asleep():  # a trial that waits at a rung is told to go on when others are as far
            tune.report({**progress(trainer, telemetry), **told})

    def save(trainer: Trainer) -> None:
        if config["snapshots"] and trainer.iteration in config["rungs"]:
            # Before its own: one that is found at a rung reports there, and does not save again.
            save_checkpoint(trainer, store, snapshot_folder(config["folder"], trainer.iteration))
        save_checkpoint(trainer, store, config["folder"])

    watchdog = Watchdog(config["timeout"], trace_of(store, config["folder"]))
    tune.report(BEGUN)
    try:
        with watchdog.watching():
            setup = payload.open()[config["key"]].changed(json.loads(config["changes"]))
            state = load_checkpoint(store, config["folder"])
            if state is None and config["origin"] is not None:
                state = load_checkpoint(store, config["origin"])
                if state is None:
                    raise StudyError(f"the state {config['origin']} that this trial goes on from is gone.")
            schedule = [ScheduleStep.model_validate(step) for step in config["schedule"]]
            run_trial(
                setup, config["seeds"], config["rungs"], report, save, state, device=device, schedule=schedule
            )
    except SystemExit as error:  # Ray's own way to end a stopped trial; in a user's file, a failure
        if where := explained(error):
            raise RuntimeError(where) from None
        raise
