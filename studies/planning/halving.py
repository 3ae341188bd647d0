"""Asynchronous successive halving, as a function of the scores that reached a rung before."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from studies.records.events import Decided

PENALTY = 1e6
"""Stands for an infinite score where scores are compared or suggested from; the tables hold infinity."""


class SuccessiveHalving:
    """Stops a trial at a rung unless its score is among the best 1/reduction_factor of those before it.

    Asynchronous: compared with what has reached the rung so far, whatever is still to come; the first is
    never stopped.  Source: Li et al. (2020), with the cutoff of Ray Tune's ASHA, an interpolated percentile.
    """

    def __init__(self, rungs: Iterable[int], reduction_factor: int) -> None:
        self._share = 100.0 / reduction_factor
        self.rungs: dict[int, list[float]] = {rung: [] for rung in rungs}

    def enter(self, rung: int, score: float) -> None:
        """Enters a score for others to be compared with; infinity is allowed."""
        self.rungs[rung].append(min(score, PENALTY))

    def decide(self, trial: str, rung: int, score: float) -> Decided:
        """Whether a trial stops, with the evidence; its score is entered.

        A cutoff above the scores of all trials that have not diverged is infinite: it is a penalty, or
        interpolated towards one.
        """
        before = self.rungs[rung]
        cutoff = float(np.percentile(before, self._share)) if before else None
        recorded, entered = len(before), min(score, PENALTY)
        worst = max((value for value in before if value < PENALTY), default=-math.inf)
        bounded = cutoff is None or cutoff <= worst * (1.0 + 1e-9)  # and not above by rounding
        self.enter(rung, score)
        return Decided(
            trial=trial,
            rung=rung,
            score=score if math.isfinite(score) else None,
            cutoff=cutoff if bounded else None,
            bounded=bounded,
            recorded=recorded,
            stopped=cutoff is not None and entered > cutoff,
        )
