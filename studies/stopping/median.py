"""The median rule: a trial worse than half of the others at the same iteration stops."""

from __future__ import annotations

from studies.stopping.asha import ASHA
from studies.stopping.base import Look

_LEAST = 4


class Median(ASHA):
    """At the rungs of successive halving, once four scores are there to compare with.

    Of the scores at that iteration, and not of each trial's best so far, as a running best hides a
    divergence.  Source: Golovin et al. (2017), Google Vizier, section 3.2.2.
    """

    name = "median"

    def look(self, number: int, rung: int, score: float) -> Look:
        return self._rungs[rung].look(score, 50.0, _LEAST)
