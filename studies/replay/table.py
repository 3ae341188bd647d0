"""A table of trainings that somebody recorded: settings, the error of each, its curve and what it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core.errors import ConfigurationError
from studies.replay import columns
from studies.replay.recording import About, Recording

_LOGARITHMIC = 20.0
"""Largest over smallest value from which a column of positive numbers is taken for logarithmic."""

Array = NDArray[np.float64]


def curve_column(error: str, iterations: int | str) -> str:
    """The column that holds the error after so many iterations."""
    return f"{error}@{iterations}"


@dataclass(frozen=True, eq=False)
class TrainingTable:
    """Trainings, and the space that their settings span.

    settings: a column each, one row a training.  errors (n,): infinite where a training diverged; costs (n,):
    in seconds or whatever the table counts, above 0.  ends (n,): iterations of each; rungs (r,): those at
    which `curves` (n, r) has errors, NaN beyond a training's end.  A setting that a sampler asks for is
    answered by the recorded training nearest to it: each setting scaled to [0, 1] over its range, in its
    logarithm where the space is logarithmic, choices a distance of 1 apart.
    """

    name: str
    settings: pd.DataFrame
    errors: Array
    costs: Array
    space: Mapping[str, BaseDistribution]
    ends: NDArray[np.int64]
    rungs: tuple[int, ...] = ()
    curves: Array = field(default_factory=lambda: np.empty((0, 0)))
    error: str = "error"

    @classmethod
    def read(
        cls,
        table: Path | Recording,
        *,
        error: str | None = None,
        settings: Sequence[str] = (),
        cost: str | None = None,
        iterations: str | None = None,
    ) -> TrainingTable:
        """Reads CSV or Parquet, or takes what was read before.

        error, cost, iterations (of the whole training), settings: names of columns.  A table that
        `scripts/record` wrote says them itself; of others the error is "score" by default, and settings are
        all other columns that vary.  Columns like "error@1000" are its curve.  An error that is missing or
        not finite is a divergence.  Raises ConfigurationError for an unknown column, for a value that its
        column cannot have, and where fewer than two trainings, no setting or no finite error is left.
        """
        found = table if isinstance(table, Recording) else Recording.read(table)
        about = found.about or About()
        error = error or about.error or "score"
        cost, iterations = cost or about.cost, iterations or about.resource
        scores = found.column(error)
        curves = columns.curve_columns(found.name, [str(name) for name in found.frame.columns], error)
        chosen = list(settings or about.space) or [
            str(name)
            for name in found.frame.columns
            if name not in (error, cost)
            and not str(name).startswith(curve_column(error, ""))
            and columns.varies(found.frame[name])
        ]
        return cls.of(
            found.name,
            pd.DataFrame({name: found.column(name) for name in chosen}),
            columns.numbers(found.name, scores),
            columns.costs(found.name, found.column(cost)) if cost else np.ones(len(scores)),
            space={key: about.space[key] for key in chosen if key in about.space},
            ends=columns.whole(found.name, found.column(iterations)) if iterations else None,
            curves={rung: columns.numbers(found.name, found.column(name)) for rung, name in curves.items()},
            error=error,
        )

    @classmethod
    def of(
        cls,
        name: str,
        settings: pd.DataFrame,
        errors: Array,
        costs: Array,
        *,
        space: Mapping[str, BaseDistribution] | None = None,
        ends: NDArray[np.int64] | None = None,
        curves: Mapping[int, Array] | None = None,
        error: str = "error",
    ) -> TrainingTable:
        """A table of columns that are there already.  Raises ConfigurationError as `read`.

        space: by default the ranges of the columns.  ends: by default one beyond the last of the curves.
        """
        errors = np.where(np.isfinite(errors), errors, np.inf)
        if len(errors) < 2 or settings.shape[1] == 0:
            raise ConfigurationError(
                f"{name} is not a table of trainings: it needs at least two rows and one setting."
            )
        if not np.isfinite(errors).any():
            raise ConfigurationError(f"{name} has no training that ended: no {error} is a finite number.")
        spaces = space or {}
        settings = pd.DataFrame(
            {key: columns.setting(name, settings[key], spaces.get(str(key))) for key in settings}
        )
        costs = columns.costs(name, pd.Series(costs, name="cost"))
        rungs = tuple(sorted(curves or {}))
        if ends is None:
            ends = np.full(len(errors), rungs[-1] + 1 if rungs else 1)
        known = np.array([np.asarray((curves or {})[rung], float) for rung in rungs]).T
        if rungs:
            known = np.where(np.array(rungs) < ends[:, None], known, np.nan)
        return cls(
            name,
            settings.reset_index(drop=True),
            errors,
            costs,
            {str(key): spaces.get(str(key)) or _distribution(settings[key]) for key in settings},
            ends,
            rungs,
            known,
            error,
        )

    @property
    def best(self) -> float:
        """The smallest error of all trainings."""
        return float(self.errors.min())

    @property
    def max_t(self) -> int:
        """The most iterations of any training."""
        return int(self.ends.max())

    def end(self, row: int) -> int:
        """Iterations of a training."""
        return int(self.ends[row])

    def cost(self, row: int, iterations: int) -> float:
        """What a training took for so many of its iterations, all of which cost the same."""
        return float(self.costs[row]) * iterations / self.end(row)

    def score(self, row: int, iterations: int) -> float:
        """The error of a training after so many iterations, infinite where it had diverged.

        Between two recorded ones it lies on the line between their logarithms; before the first and where
        nothing is recorded it is the next one that is.
        """
        known = (
            [
                (rung, float(value))
                for rung, value in zip(self.rungs, self.curves[row], strict=True)
                if not math.isnan(value)
            ]
            if self.rungs
            else []
        )
        known.append((self.end(row), float(self.errors[row])))
        after = next((i for i, (place, _) in enumerate(known) if place >= iterations), len(known) - 1)
        (right, high), (left, low) = known[after], known[max(after - 1, 0)]
        if right <= iterations or after == 0 or not 0 < low < math.inf or not 0 < high < math.inf:
            return high
        share = math.log(iterations / left) / math.log(right / left)
        return float(low ** (1 - share) * high**share)

    def nearest(self, settings: Mapping[str, Any]) -> int:
        """The row of the recorded training nearest to settings."""
        point = np.concatenate([self._place(key, [settings[key]])[0] for key in self.space])
        return int(((self._places - point) ** 2).sum(axis=1).argmin())

    def trials_of_random(self, error: float) -> float:
        """How many trials drawn at random from the table reach an error with even chances."""
        share = float((self.errors <= error).mean())
        if share == 0.0:
            return np.inf
        return 1.0 if share >= 0.5 else float(np.log(0.5) / np.log1p(-share))

    @cached_property
    def _places(self) -> Array:
        """The trainings' coordinates, (n, d)."""
        return np.hstack([self._place(key, self.settings[key]) for key in self.space])

    def _place(self, key: str, values: Any) -> Array:
        """Values of a setting as coordinates, (n, 1), or (n, choices)."""
        distribution = self.space[key]
        if isinstance(distribution, CategoricalDistribution):
            chosen = np.array(
                [[value == choice for choice in distribution.choices] for value in values], float
            )
            return chosen / np.sqrt(2.0)
        assert isinstance(distribution, (FloatDistribution, IntDistribution))
        scale = np.log if distribution.log else np.asarray
        low, high = scale(float(distribution.low)), scale(float(distribution.high))
        return ((scale(np.asarray(values, float)) - low) / max(float(high - low), 1e-300))[:, None]


def _distribution(column: pd.Series[Any]) -> BaseDistribution:
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return CategoricalDistribution(sorted(column.unique().tolist(), key=str))
    low, high = column.min(), column.max()
    log = bool(low > 0 and high >= _LOGARITHMIC * low)
    if pd.api.types.is_integer_dtype(column):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)
