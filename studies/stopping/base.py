"""What early stopping is to a search: a look at a trial's score at a rung, and the evidence."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

PENALTY = 1e6
"""Stands for an infinite score where scores are compared or suggested from; the tables hold infinity.

An equation in its user's units may have larger errors: see `penalty`.
"""


def penalty(worst: float) -> float:
    """What stands for an infinite score beside finite ones, of which `worst` is the largest: above all."""
    return PENALTY if worst < PENALTY else 10.0 * worst


class Finite:
    """Scores as those need them who take no infinity: a penalty above all scores so far stands for it."""

    def __init__(self) -> None:
        self.worst = 0.0
        """The largest finite score so far."""

    def __call__(self, score: float) -> float:
        if not math.isfinite(score):
            return penalty(self.worst)
        self.worst = max(self.worst, score)
        return score


@dataclass(frozen=True)
class Look:
    """One look at a trial: whether it stops, and why.

    cutoff: the score that it had to beat; None where there was nothing to compare with, or, with `bounded`
    false, where it is infinite.  recorded: scores that it was compared with.
    """

    stopped: bool
    cutoff: float | None = None
    bounded: bool = True
    recorded: int = 0


class Rung:
    """The scores that reached an iteration."""

    def __init__(self) -> None:
        self.scores: list[float] = []

    def enter(self, score: float) -> None:
        """Enters a score for others to be compared with; infinity is allowed."""
        self.scores.append(score)

    def look(self, score: float, percentile: float, least: int = 1) -> Look:
        """Stops a score above a percentile of those before it, of which there are `least`; it is entered.

        A cutoff above the scores of all trials that have not diverged is infinite: it is a penalty, or
        interpolated towards one.
        """
        finite = [value for value in (*self.scores, score) if math.isfinite(value)]
        top = penalty(max(finite, default=0.0))
        *before, own = (min(value, top) for value in (*self.scores, score))
        cutoff = float(np.percentile(before, percentile)) if len(before) >= least else None
        worst = max((value for value in before if value < top), default=-math.inf)
        bounded = cutoff is None or cutoff <= worst * (1.0 + 1e-9)  # and not above by rounding
        self.enter(score)
        return Look(
            stopped=cutoff is not None and own > cutoff,
            cutoff=cutoff if bounded else None,
            bounded=bounded,
            recorded=len(before),
        )


class Rule(ABC):
    """Stops trials before their end; a function of what it was told, in the order of the search's clock.

    Trials are told of by their number, from 0.  grace_period, reduction_factor: see `Search`.  max_t: the
    largest number of iterations that a trial can ask for.
    """

    name: ClassVar[str]

    def __init__(self, grace_period: int, reduction_factor: int, max_t: int) -> None:
        self.grace_period = grace_period
        self.reduction_factor = reduction_factor
        self.max_t = max_t

    @abstractmethod
    def rungs(self, number: int) -> tuple[int, ...]:
        """Iterations at which a trial is looked at, if its end is beyond them."""

    @abstractmethod
    def look(self, number: int, rung: int, score: float) -> Look:
        """A trial has reached a rung, with a score that may be infinite."""

    def end(self, number: int, iterations: int, score: float | None) -> None:
        """A trial has ended by itself at an iteration; without a score where it failed."""
        return None

    def geometric(self, first: int) -> tuple[int, ...]:
        """Rungs at first × reduction_factor^j below `max_t`."""
        rungs, rung = [], first
        while rung < self.max_t:
            rungs.append(rung)
            rung *= self.reduction_factor
        return tuple(rungs)
