"""A searched setting as an axis of [0, 1], from what a run's record says of its distribution."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.load import Run
from studies.records import CONFIG

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
            places = np.array([-1 if place is None else place for place in self.places(values)])
            return (places[:, None] == np.arange(len(self.choices))).astype(float) / math.sqrt(2.0)
        low, high = (self._scaled(self.distribution[end]) for end in ("low", "high"))
        scaled = np.array([self._scaled(value) for value in values])
        return ((scaled - low) / max(high - low, 1e-300))[:, None]

    def places(self, values: Sequence[Any]) -> list[int | None]:
        """Which of the choices each value is, as a table of trials holds it; None for none of them."""
        known = {_cell(choice): place for place, choice in enumerate(self.choices or [])}
        return [known.get(_cell(value)) for value in values]

    def steps(self) -> list[Any]:
        """Values from one end to the other, evenly on the scale of the space; all of a choice."""
        if self.choices is not None:
            return self.choices
        low, high = (self._scaled(self.distribution[end]) for end in ("low", "high"))
        if self.distribution["distribution"] == "PowersOfTwo":
            return [2**k for k in range(round(low / math.log(2)), round(high / math.log(2)) + 1)]
        step = self.distribution.get("step")
        if step and not self.distribution.get("log"):
            count = round((high - low) / step)
            kept = np.unique(np.linspace(0, count, min(count + 1, _STEPS)).round().astype(int))
            return [self.distribution["low"] + int(k) * step for k in kept]
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


def searched_axes(run: Run, trials: pd.DataFrame) -> list[tuple[SettingAxis, list[Any]]]:
    """The settings of a search that all of some trials have, and in which they differ, with their values."""
    found = []
    for key, drawn in run.study.space.items():
        if drawn.get("when") or CONFIG + key not in trials:
            continue
        axis, values = SettingAxis(key, drawn), list(trials[CONFIG + key])
        known = [not pd.isna(value) for value in values]
        if axis.choices is not None:
            known = [place is not None for place in axis.places(values)]
            values = [axis.choices[place] for place in axis.places(values) if place is not None]
        if all(known) and len({_cell(value) for value in values}) > 1:
            found.append((axis, values))
    return found


def _cell(value: Any) -> tuple[str, Any]:
    """A value of a setting as it can be compared with a table's cell, where collections are JSON, None is
    missing, and a whole number may have become a float."""
    if isinstance(value, dict | list | tuple):
        return "text", json.dumps(value, sort_keys=True)
    if isinstance(value, str):
        return "text", value
    if pd.isna(value):
        return "none", None
    return ("truth", bool(value)) if isinstance(value, bool | np.bool_) else ("number", float(value))
