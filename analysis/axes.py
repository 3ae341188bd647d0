"""A searched setting as an axis of [0, 1], from what a run's record says of its distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 41
"""Values of a setting that are looked at, at most."""
_FEW = 12
"""Values up to which they are not as good as all between them."""


@dataclass(frozen=True)
class SettingAxis:
    """One setting; `distribution` as the record of a study has it."""

    key: str
    distribution: Mapping[str, Any]

    @property
    def choices(self) -> list[Any] | None:
        """Those of a setting without an order."""
        return list(self.distribution["choices"]) if "choices" in self.distribution else None

    def coordinates(self, values: Sequence[Any]) -> Array:
        """(n, 1) on the scale of the space; of a choice (n, choices), any two 1 apart."""
        if self.choices is not None:
            known = [repr(choice) for choice in self.choices]
            chosen = [[repr(value) == choice for choice in known] for value in values]
            return np.array(chosen, float) / math.sqrt(2.0)
        low, high = (self._scaled(self.distribution[end]) for end in ("low", "high"))
        scaled = np.array([self._scaled(value) for value in values])
        return ((scaled - low) / max(high - low, 1e-300))[:, None]

    def steps(self) -> list[Any]:
        """Values from one end to the other, evenly on the scale of the space; all of a choice."""
        if self.choices is not None:
            return self.choices
        low, high = (self._scaled(self.distribution[end]) for end in ("low", "high"))
        if self.distribution["distribution"] == "PowersOfTwo":
            return [2**k for k in range(round(low / math.log(2)), round(high / math.log(2)) + 1)]
        evenly = np.linspace(low, high, _STEPS)
        values = [float(value) for value in (np.exp(evenly) if self.distribution.get("log") else evenly)]
        if self.distribution["distribution"] == "IntDistribution":
            return sorted({round(value) for value in values})
        return [self.distribution["low"], *values[1:-1], self.distribution["high"]]

    def spread(self, places: Array) -> Array:
        """Coordinates at places (n,) of [0, 1), each value of the space as likely as any other."""
        steps = self.steps()
        if self.choices is None and len(steps) > _FEW:
            return places[:, None]
        return self.coordinates([steps[int(place * len(steps))] for place in places])

    def _scaled(self, value: Any) -> float:
        return math.log(float(value)) if self.distribution.get("log") else float(value)
