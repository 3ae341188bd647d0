"""One trial: one setup × K replicates, reported at every rung.  Runs without Ray too."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dgm_core import Setup, Trainer
from dgm_core.networks import count_parameters
from dgm_core.training import median

SCORE = "score"
TIME = "iterations"
PENALTY = 1e6
"""Reported to Tune and Optuna in place of an infinite score, which ASHA would never stop; the tables
hold infinity."""

REPORT_SECONDS = 0.25
CHECKPOINT_SECONDS = 20.0
_EVALUATION_SHARE = 0.05
LOOKS = tuple(digit * 10**power for power in range(5) for digit in (1, 2, 5))
"""Iterations at which the error is measured whatever the time: runs are compared early on, too."""

Report = Callable[[dict[str, Any], Trainer, bool], None]
"""(metrics, trainer, whether to write a checkpoint)"""


@dataclass(frozen=True)
class Job:
    """One trial: replicates `first`, `first + 1`, … of an arm, or of a suggestion where `arm` is None."""

    setup: Setup
    seeds: tuple[int, ...]
    arm: str | None = None
    first: int = 0


@dataclass(frozen=True)
class Task:
    """Which job a trial of a phase is: a list to choose from, or one base that suggestions change."""

    jobs: tuple[Job, ...]
    rungs: tuple[int, ...] = ()
    suggested: bool = False

    def job(self, config: Mapping[str, Any]) -> Job:
        """The job of a trial, from the configuration that Tune gives it."""
        if not self.suggested:
            return self.jobs[config["job"]]
        base = self.jobs[0]
        return replace(base, setup=base.setup.changed(config))


def run_trial(
    setup: Setup,
    seeds: Sequence[int],
    rungs: Sequence[int],
    report: Report,
    state: Mapping[str, Any] | None = None,
) -> None:
    """Trains to the end, reporting at every rung, at the end and about every `REPORT_SECONDS`.

    Reports become rarer where an evaluation is slow, so that evaluations cost at most 5 % of the
    time.  A rung is always reported at its very iteration, so that trials are compared at equal
    iterations.
    """
    trainer = Trainer(setup, seeds)
    if state is not None:
        trainer.restore(dict(state))
    interval = REPORT_SECONDS
    reported = saved = time.perf_counter()
    while True:
        ahead = [stop for stop in (*rungs, *LOOKS) if stop > trainer.iteration]
        left = interval - (time.perf_counter() - reported)
        trainer.advance(min([setup.config.iterations, *ahead]), seconds=max(left, 0.0))
        now = time.perf_counter()
        at_rung = trainer.iteration in rungs
        if trainer.iteration in LOOKS and now - reported < interval and not at_rung and not trainer.done:
            trainer.evaluate()
            continue
        metrics = measure(trainer)
        interval = max(REPORT_SECONDS, (time.perf_counter() - now) / _EVALUATION_SHARE)
        write = trainer.done or at_rung or now - saved > CHECKPOINT_SECONDS
        report({**metrics, "at_rung": at_rung}, trainer, write)
        if trainer.done:
            return
        reported = time.perf_counter()
        if write:
            saved = reported


def measure(trainer: Trainer) -> dict[str, Any]:
    """A trial's metrics at its present iteration: the score that Tune sees, and every replicate's.

    The score is the median over replicates of the problem's metric, in which a diverged replicate
    counts as the worst.
    """
    result = trainer.result()
    errors = result.errors
    score = median(errors.score)
    return {
        SCORE: score if math.isfinite(score) else PENALTY,
        TIME: result.iterations,
        "final": trainer.done,
        "loss": float(result.losses[:, 0].median()),
        "seconds": result.seconds,
        "parameters": count_parameters(trainer.network),
        "replicates": {
            "status": [str(status) for status in result.status],
            "scores": errors.score,
            "errors": dict(errors.values),
            "mae_batch_statistics": trainer.evaluate_batch_statistics(),
            "losses": result.losses.tolist(),
            "diverged_at": result.curves.diverged_at(),
        },
    }
