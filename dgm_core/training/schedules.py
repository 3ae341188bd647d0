"""Learning-rate schedules as pure functions of the iteration, so that resuming needs no state."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol


class ScheduleConfig(Protocol):
    """What a schedule reads of a training configuration."""

    @property
    def iterations(self) -> int: ...
    @property
    def milestones(self) -> tuple[int, ...]: ...
    @property
    def decay(self) -> float: ...


COOLDOWN_START = 0.8
"""Share of the iterations after which the schedule "cooldown" begins to fall."""

Schedule = Callable[[int, ScheduleConfig], float]
"""(iteration from 0, configuration) -> factor on the learning rate."""


def constant(iteration: int, config: ScheduleConfig) -> float:
    """1 throughout, as in most of the paper."""
    return 1.0


def step(iteration: int, config: ScheduleConfig) -> float:
    """`decay` to the number of milestones passed (the paper's FitzHugh–Nagumo: one, at 35 000)."""
    return config.decay ** sum(iteration >= milestone for milestone in config.milestones)


def exponential(iteration: int, config: ScheduleConfig) -> float:
    """Geometric from 1 to `decay` at the last iteration."""
    return config.decay ** (iteration / config.iterations)


def cosine(iteration: int, config: ScheduleConfig) -> float:
    """Half a cosine from 1 to `decay` (Loshchilov and Hutter 2017, without restarts)."""
    phase = 0.5 * (1.0 + math.cos(math.pi * iteration / config.iterations))
    return config.decay + (1.0 - config.decay) * phase


def cooldown(iteration: int, config: ScheduleConfig) -> float:
    """1, and over the last fifth of the iterations linearly to `decay`.

    Up to there a longer training is the same as a shorter one, so that trainings of several lengths can
    branch off one (see `Trainer.branch`).  Source: Hägele et al. (2024), arXiv:2405.18392.
    """
    return 1.0 - (1.0 - config.decay) * max(0.0, iteration / config.iterations - COOLDOWN_START) / (
        1.0 - COOLDOWN_START
    )


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "step": step,
    "exponential": exponential,
    "cosine": cosine,
    "cooldown": cooldown,
}
