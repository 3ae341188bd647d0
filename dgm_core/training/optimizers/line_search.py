"""A line search for the strong Wolfe conditions that is told one trial at a time."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, NamedTuple

_DECREASE, _CURVATURE = 1e-3, 0.9
"""c₁ and c₂ of the conditions, as L-BFGS-B has them (Byrd et al. 1995)."""
NOISE = 1e-6
"""Differences of φ, relative to φ(0), that count as rounding; those of a loss whose residuals are 1e-10."""
_TRIALS = 20
_GROWTH = (2.0, 10.0)
"""Least and greatest factor from a step that is too short to the next."""
_MARGIN = 0.1
"""Share of a bracket's ends in which no trial is placed, so that it shrinks."""
_NARROW = 1e-12
"""Width of a bracket, relative to its larger end, below which no trial can tell the ends apart."""

_TRIAL_FIELDS = ("origin", "low", "high")


class Verdict(Enum):
    """What a trial makes of the search."""

    CONTINUE = "continue"
    ACCEPT = "accept"
    FAIL = "fail"


class LinePoint(NamedTuple):
    """A step along the line, the function there and its derivative along the line."""

    step: float
    value: float
    slope: float


@dataclass
class LineSearch:
    """Finds a step α from `origin`, where the slope is negative, that satisfies

        φ(α) ≤ φ(0) + c₁ α φ'(0)   and   |φ'(α)| ≤ c₂ |φ'(0)|

    `step` is the next trial; `tell` takes what it gave.  ACCEPT: the trial just told is the answer.
    FAIL: no step was found that lowers φ enough.  A trial that is not finite was too long.

    Near a minimum differences of φ drown in rounding long before slopes do.  Where φ(α) − φ(0) is within
    that rounding, φ'(α) ≤ (2 c₁ − 1) φ'(0) stands for the first condition, which it equals for a parabola.

    `low` is the best trial so far and `high` the other end of a bracket around a step that satisfies
    both conditions, None until there is one.  A search that runs out of trials takes `low`, which may
    miss the second condition, where that lowers φ at all.

    Source: Nocedal and Wright (2006), algorithms 3.5 (without `high`) and 3.6 (with it), eq. 3.59;
    Hager and Zhang (2005), eq. 4.1, for the approximate condition.
    """

    origin: LinePoint
    step: float
    low: LinePoint
    high: LinePoint | None = None
    trials: int = 0
    settled: bool = False
    """Whether `step` is `low` again, to be accepted as it is."""

    @classmethod
    def begin(cls, value: float, slope: float, step: float) -> LineSearch:
        """A search whose first trial is `step`."""
        origin = LinePoint(0.0, value, slope)
        return cls(origin, step, origin)

    def tell(self, value: float, slope: float) -> Verdict:
        """Takes φ and φ' at `step` and chooses the next one."""
        if self.settled:
            return Verdict.ACCEPT
        self.trials += 1
        trial, low = LinePoint(self.step, value, slope), self.low
        lowers = self._lowers(trial)
        if lowers and abs(slope) <= -_CURVATURE * self.origin.slope:
            return Verdict.ACCEPT
        if not lowers or value > low.value + self._noise:
            self.high = trial
        else:
            ahead = 1.0 if self.high is None else self.high.step - low.step
            if slope * ahead >= 0.0:
                self.high = low
            self.low = trial
        if self.trials < _TRIALS and not self._narrow():
            self.step = self._extrapolated(low) if self.high is None else self._interpolated(self.high)
            return Verdict.CONTINUE
        return self._settle(trial)

    @property
    def _noise(self) -> float:
        return NOISE * abs(self.origin.value)

    def _lowers(self, trial: LinePoint) -> bool:
        """Sufficient decrease, exact or approximate; not by a trial that is not finite."""
        start, finite = self.origin, math.isfinite(trial.value) and math.isfinite(trial.slope)
        exact = trial.value <= start.value + _DECREASE * trial.step * start.slope
        drowned = abs(trial.value - start.value) <= self._noise
        return finite and (exact or (drowned and trial.slope <= (2.0 * _DECREASE - 1.0) * start.slope))

    def _narrow(self) -> bool:
        if self.high is None:
            return False
        return abs(self.high.step - self.low.step) <= _NARROW * max(self.high.step, self.low.step)

    def _settle(self, last: LinePoint) -> Verdict:
        """Ends the search with `low`, evaluated again unless it is the last trial."""
        if not self.low.value < self.origin.value:
            return Verdict.FAIL
        if self.low == last:
            return Verdict.ACCEPT
        self.step, self.settled = self.low.step, True
        return Verdict.CONTINUE

    def _extrapolated(self, before: LinePoint) -> float:
        """Beyond `low`, which was too short as `before` was."""
        least, greatest = (factor * self.low.step for factor in _GROWTH)
        minimum = cubic_minimum(before, self.low)
        # No minimum ahead: the slope is not getting flatter, and the longest step is the best guess.
        return greatest if minimum is None or minimum <= self.low.step else min(max(minimum, least), greatest)

    def _interpolated(self, high: LinePoint) -> float:
        """Inside the bracket, away from its ends."""
        width = high.step - self.low.step
        if not (math.isfinite(high.value) and math.isfinite(high.slope)):
            return self.low.step + _MARGIN * width
        drowned = abs(high.value - self.low.value) <= self._noise
        minimum = (secant_minimum if drowned else cubic_minimum)(self.low, high)
        share = 0.5 if minimum is None else (minimum - self.low.step) / width
        return self.low.step + min(max(share, _MARGIN), 1.0 - _MARGIN) * width

    def state(self) -> dict[str, Any]:
        """Plain values that `from_state` reads."""
        values = asdict(self)
        for name in _TRIAL_FIELDS:
            values[name] = None if values[name] is None else list(values[name])
        return values

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> LineSearch:
        """The search that gave `state`."""
        values = dict(state)
        for name in _TRIAL_FIELDS:
            values[name] = None if values[name] is None else LinePoint(*values[name])
        return cls(**values)


def cubic_minimum(a: LinePoint, b: LinePoint) -> float | None:
    """The minimiser of the cubic through the values and slopes of two trials; None where it has none."""
    if a.step == b.step:
        return None
    d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.step - b.step)
    square = d1 * d1 - a.slope * b.slope
    if not math.isfinite(square) or square < 0.0:
        return None
    d2 = math.copysign(math.sqrt(square), b.step - a.step)
    denominator = b.slope - a.slope + 2.0 * d2
    if denominator == 0.0:
        return None
    return b.step - (b.step - a.step) * (b.slope + d2 - d1) / denominator


def secant_minimum(a: LinePoint, b: LinePoint) -> float | None:
    """Where the line through the slopes of two trials vanishes; None where it does not."""
    return None if a.slope == b.slope else a.step - a.slope * (b.step - a.step) / (b.slope - a.slope)
