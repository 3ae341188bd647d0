"""One trial: one setup × K replicates, reported at every rung.  Runs without Ray too."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from dgm_core import Setup, Trainer
from dgm_core.networks import count_parameters
from dgm_core.training import median
from studies.records.events import Metrics, Replicates, ScheduleStep, Telemetry
from studies.trials.meter import Meter
from studies.trials.schedule import Scheduled

SCORE = "score"
TIME = "iterations"
POLISH = "polish"
POLISH_OF = "polish_of"
"""Steps of the present time window's polish, done and at most; None where a trial is not polishing."""

REPORT_SECONDS = 0.5
CHECKPOINT_SECONDS = 2.0
_FIRST_LOOKS = tuple(digit * 10**power for power in range(5) for digit in (1, 2, 5))
_LATER_LOOKS = 40
_LEAST_STEP = 250

OnReport = Callable[[Trainer, Telemetry | None, Metrics | None], None]
"""Called with the trainer, with how its work goes, and with what was measured where that was asked for."""
Save = Callable[[Trainer], None]


def looks(iterations: int) -> tuple[int, ...]:
    """Iterations at which a training is measured: 1, 2, 5, 10, … and a step of its length.

    A function of the training's length alone, so that a curve is the same on any machine and after any
    interruption.
    """
    least = max(_LEAST_STEP, iterations / _LATER_LOOKS)
    power = 10 ** math.floor(math.log10(least))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least)
    regular = range(step, iterations, step)
    return tuple(sorted({look for look in _FIRST_LOOKS if look < iterations} | set(regular) | {iterations}))


def run_trial(
    setup: Setup,
    seeds: Sequence[int],
    rungs: Sequence[int],
    report: OnReport,
    save: Save,
    state: Mapping[str, Any] | None = None,
    *,
    device: str = "cpu",
    until: int | None = None,
    schedule: Sequence[ScheduleStep] = (),
) -> None:
    """Trains on a device, from `state` where there is one, to the end or the iteration `until`.

    schedule: settings that change on the way, each from its iteration on.

    Calls `report` with what was measured at every rung and at the end, of whose state a checkpoint was saved
    before, and without about every `REPORT_SECONDS`.  A checkpoint is saved every `CHECKPOINT_SECONDS`.
    """
    scheduled = Scheduled(setup, schedule)
    trainer = scheduled.trainer(seeds, state, device=device)
    if state is not None and (trainer.done or (trainer.iteration in rungs and not trainer.polishing)):
        # Whoever listened before may have been lost before hearing of it.
        report(trainer, None, measure(trainer))
    stops = sorted({*rungs, *looks(setup.config.iterations), *scheduled.places})
    saved = time.perf_counter()
    meter = Meter(trainer.iteration)
    while not trainer.done and (until is None or trainer.iteration < until):
        ahead = (stop for stop in stops if stop > trainer.iteration)
        trainer = scheduled.changed(trainer)
        stop = trainer.iteration if trainer.polishing else next(ahead)
        with meter.training():
            trainer.advance(stop, seconds=REPORT_SECONDS, pause_polish=True)
        # In the midst of a polish a score depends on the clock: nothing is compared with it or recorded.
        there = trainer.iteration in stops and not trainer.polishing
        reports = trainer.done or (there and trainer.iteration in rungs)
        metrics = None
        with meter.evaluation():
            if reports:
                metrics = measure(trainer)
            elif there:
                trainer.evaluate()
        telemetry = meter.read(trainer.iteration)
        if metrics is not None:
            metrics = metrics.model_copy(update={"telemetry": telemetry})
        if reports or time.perf_counter() - saved > CHECKPOINT_SECONDS:
            save(trainer)
            saved = time.perf_counter()
        report(trainer, telemetry, metrics)


def measure(trainer: Trainer) -> Metrics:
    """A trial at its present iteration, entered into its curves.

    The score is the median over replicates of the problem's metric, in which a diverged replicate counts as
    the worst.
    """
    result = trainer.result()
    errors = result.errors
    return Metrics(
        iterations=result.iterations,
        score=finite(median(errors.score)),
        final=trainer.done,
        loss=finite(float(result.losses[:, 0].median())),
        seconds=result.seconds,
        parameters=count_parameters(trainer.network),
        replicates=Replicates(
            status=[str(status) for status in result.status],
            scores=[finite(score) for score in errors.score],
            errors={
                metric: [None if value is None else finite(value) for value in values]
                for metric, values in errors.values.items()
            },
            mae_batch_statistics=_finite_list(trainer.evaluate_batch_statistics()),
            losses=[[finite(value) for value in row] for row in result.losses.tolist()],
            diverged_at=result.curves.diverged_at(),
            reasons=list(result.reasons),
            constants={name: _known(values) for name, values in result.constants.items()},
        ),
        notes=list(result.notes),
    )


def progress(trainer: Trainer, telemetry: Telemetry | None) -> dict[str, Any]:
    """How far a trial is, without measuring it: iterations, polish, loss, the score as last measured,
    telemetry."""
    errors, far = trainer.curves.errors, trainer.progress
    return {
        TIME: trainer.iteration,
        SCORE: finite(median(errors[-1][1])) if errors else None,
        "loss": finite(median(far.loss)),
        "seconds": trainer.seconds,
        POLISH: far.done if far.polishing else None,
        POLISH_OF: far.of if far.polishing else None,
        **({} if telemetry is None else telemetry.model_dump()),
    }


def finite(value: float) -> float | None:
    """None in place of a value that is not finite."""
    return value if math.isfinite(value) else None


def _known(values: Sequence[float]) -> list[float | None]:
    return [finite(value) for value in values]


def _finite_list(values: Sequence[float] | None) -> list[float | None] | None:
    return None if values is None else [finite(value) for value in values]


def truncated(curves: Mapping[str, Any], iterations: int, ends: Callable[[int], int]) -> dict[str, Any]:
    """A trainer's curves up to an iteration: what was trained beyond does not count.

    ends: the iteration at which a time window ends, and its polish begins.
    """
    losses: torch.Tensor = curves["losses"]
    errors = [(iteration, score) for iteration, score in curves["errors"] if iteration <= iterations]
    looks = [(window, row) for window, row in curves.get("polish", ()) if ends(window) <= iterations]
    scores = [(place, score) for place, score in curves.get("polish_errors", ()) if place < len(looks)]
    return {"losses": losses[:iterations], "errors": errors, "polish": looks, "polish_errors": scores}
