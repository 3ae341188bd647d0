"""Patience: a trial that no longer gets better stops, whatever the others do."""

from __future__ import annotations

import math

from studies.stopping.base import Look, Rule

_LOOKS = 3


class Patience(Rule):
    """Looks every `grace_period` iterations; three in a row without a new best score stop a trial.

    Its evidence is its own best score.  Source: Prechelt (1998), Early stopping – but when?
    """

    name = "patience"

    def __init__(self, grace_period: int, reduction_factor: int, max_t: int) -> None:
        super().__init__(grace_period, reduction_factor, max_t)
        self._scores: dict[int, list[float]] = {}

    def rungs(self, number: int) -> tuple[int, ...]:
        return tuple(range(self.grace_period, self.max_t, self.grace_period))

    def look(self, number: int, rung: int, score: float) -> Look:
        scores = self._scores.setdefault(number, [])
        best = min(scores[: -(_LOOKS - 1)], default=None)
        since = [*scores[-(_LOOKS - 1) :], score]
        scores.append(since[-1])
        if best is None:
            return Look(stopped=False)
        bounded = math.isfinite(best)
        return Look(
            stopped=min(since) >= best,
            cutoff=best if bounded else None,
            bounded=bounded,
            recorded=len(scores) - 1,
        )

    def end(self, number: int, iterations: int, score: float | None) -> None:
        self._scores.pop(number, None)
