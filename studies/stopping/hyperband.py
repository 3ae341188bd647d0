"""Hyperband: successive halving in brackets that begin later and later."""

from __future__ import annotations

import math

from studies.stopping.asha import ASHA
from studies.stopping.base import Look, Rule


class Hyperband(Rule):
    """Hedges against curves that cross: each bracket looks reduction_factor times later.

    Trials are dealt to the brackets in turn, to each in proportion to the trials that Hyperband gives it,
    ⌈B ηˢ / (s + 1)⌉ for B brackets and s = B − 1 … 0; the last one stops none.  Each bracket halves for
    itself, asynchronously.  Source: Li et al. (2018), JMLR 18:185.
    """

    name = "hyperband"

    def __init__(self, grace_period: int, reduction_factor: int, max_t: int) -> None:
        super().__init__(grace_period, reduction_factor, max_t)
        starts = (*self.geometric(grace_period), max_t)
        self._brackets = [ASHA(start, reduction_factor, max_t) for start in starts]
        count = len(starts)
        self._shares = [math.ceil(count * reduction_factor**s / (s + 1)) for s in reversed(range(count))]

    def bracket(self, number: int) -> int:
        """Of a trial: the one that is furthest behind its share when the trials before it have been dealt."""
        dealt = [0] * len(self._shares)
        chosen = 0
        for _ in range(number % sum(self._shares) + 1):
            chosen = min(range(len(dealt)), key=lambda each: ((dealt[each] + 1) / self._shares[each], each))
            dealt[chosen] += 1
        return chosen

    def rungs(self, number: int) -> tuple[int, ...]:
        return self._brackets[self.bracket(number)].rungs(number)

    def look(self, number: int, rung: int, score: float) -> Look:
        return self._brackets[self.bracket(number)].look(number, rung, score)

    def end(self, number: int, iterations: int, score: float | None) -> None:
        self._brackets[self.bracket(number)].end(number, iterations, score)
