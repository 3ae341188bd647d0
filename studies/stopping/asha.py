"""Asynchronous successive halving: the default."""

from __future__ import annotations

from studies.stopping.base import Look, Rule, Rung


class ASHA(Rule):
    """Stops a trial at a rung unless its score is among the best 1/reduction_factor of those before it.

    Asynchronous: compared with what has reached the rung so far, whatever is still to come; the first is
    never stopped.  Source: Li et al. (2020), with the cutoff of Ray Tune's ASHA, an interpolated percentile.
    """

    name = "asha"

    def __init__(self, grace_period: int, reduction_factor: int, max_t: int) -> None:
        super().__init__(grace_period, reduction_factor, max_t)
        self._rungs = {rung: Rung() for rung in self.geometric(grace_period)}

    def rungs(self, number: int) -> tuple[int, ...]:
        return tuple(self._rungs)

    def look(self, number: int, rung: int, score: float) -> Look:
        return self._rungs[rung].look(score, 100.0 / self.reduction_factor)

    def end(self, number: int, iterations: int, score: float | None) -> None:
        if iterations in self._rungs and score is not None:
            self._rungs[iterations].enter(score)
