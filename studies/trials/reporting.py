"""A training that reports plain numbers at iterations of its own: what a script of Ray Tune's hears."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dgm_core import Setup, Trainer
from dgm_core.training import Status, median
from dgm_core.training.adjusting import adjusted
from studies.trials.trainable import SCORE, TIME

Report = Callable[[Trainer, dict[str, float]], None]
"""Called with the trainer and what was measured."""


def train_reporting(
    setup: Setup,
    seeds: Sequence[int],
    every: int,
    report: Report,
    state: Mapping[str, Any] | None = None,
    *,
    device: str = "cpu",
) -> None:
    """Trains to the end, and reports every so many iterations and at the end.

    state: a trainer's, of this setup or of one that differs in what may change meanwhile (see
    `dgm_core.training.adjusting`).  One that was at its end already is reported once more.
    """
    trainer = Trainer(setup, seeds, device=device)
    if state is not None:
        trainer.restore(adjusted(state, setup))
        if trainer.done:
            report(trainer, numbers(trainer))
    while not trainer.done:
        trainer.advance((trainer.iteration // every + 1) * every)
        report(trainer, numbers(trainer))


def numbers(trainer: Trainer) -> dict[str, float]:
    """What a training is worth now: medians over its replicates, a diverged one counting as infinite.

    `score` is the error that ranks; each error is there by its own name too, and each trained constant as
    `constant/NAME`.
    """
    result = trainer.result()
    errors = {
        name: median([float("nan") if value is None else value for value in values])
        for name, values in result.errors.values.items()
    }
    return {
        TIME: result.iterations,
        SCORE: median(result.errors.score),
        **errors,
        "loss": median(result.losses[:, 0].tolist()),
        "seconds": result.seconds,
        "diverged": sum(status == Status.DIVERGED for status in result.status),
        **{f"constant/{name}": median(values) for name, values in result.constants.items()},
    }
