"""A table of trainings that somebody recorded: settings, the error of each and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.spatial import cKDTree

from dgm_core.errors import ConfigurationError, unknown

_LOGARITHMIC = 20.0
"""Largest over smallest value from which a column of positive numbers is taken for logarithmic."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainingTable:
    """Trainings, and the space that their settings span.

    settings: a column each, one row a training.  errors (n,): infinite where a training diverged; costs (n,):
    in seconds or whatever the table counts, above 0.  A setting that a sampler asks for is answered by the
    recorded training nearest to it: each setting scaled to [0, 1] over its range, in its logarithm where the
    space is logarithmic, choices a distance of 1 apart.
    """

    name: str
    settings: pd.DataFrame
    errors: Array
    costs: Array

    @classmethod
    def read(
        cls, path: Path, *, error: str, settings: Sequence[str] = (), cost: str | None = None
    ) -> TrainingTable:
        """Reads CSV or Parquet.

        error, cost, settings: names of columns; without settings all others that vary.  An error that is
        missing or not finite is a divergence.  Raises ConfigurationError for an unknown column, and where
        fewer than two trainings or no setting are left.
        """
        try:
            frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        except FileNotFoundError:
            raise ConfigurationError(f"{path} cannot be read: there is no such file.") from None
        except (OSError, ValueError, pa.ArrowException) as problem:
            raise ConfigurationError(f"{path} is neither CSV nor Parquet: {problem}.") from None
        for column in (error, *settings, *((cost,) if cost else ())):
            if column not in frame.columns:
                raise unknown(f"column of {path}", column, [str(name) for name in frame.columns])
        chosen = list(settings) or [
            str(name)
            for name in frame.columns
            if name not in (error, cost) and frame[name].nunique(dropna=False) > 1
        ]
        costs = frame[cost].to_numpy(float) if cost else np.ones(len(frame))
        return cls.of(path.stem, frame[chosen], frame[error].to_numpy(float), costs)

    @classmethod
    def of(cls, name: str, settings: pd.DataFrame, errors: Array, costs: Array) -> TrainingTable:
        """A table of columns that are there already.  Raises ConfigurationError as `read`."""
        errors = np.where(np.isfinite(errors), errors, np.inf)
        if len(errors) < 2 or settings.shape[1] == 0:
            raise ConfigurationError(
                f"{name} holds no table of trainings: it needs two of them and a setting."
            )
        if settings.isna().any(axis=None):
            (row, column) = np.argwhere(settings.isna().to_numpy())[0]
            raise ConfigurationError(f"{name} has no value of {settings.columns[column]} in row {row + 1}.")
        if not np.isfinite(costs).all() or (costs <= 0).any():
            raise ConfigurationError(f"{name} has a cost that is not above 0.")
        return cls(name, settings.reset_index(drop=True), errors, costs)

    @cached_property
    def space(self) -> Mapping[str, BaseDistribution]:
        """What a sampler may ask for: the range of each column, or its values where they are no numbers."""
        return {str(key): _distribution(self.settings[key]) for key in self.settings}

    @property
    def best(self) -> float:
        """The smallest error of all trainings."""
        return float(self.errors.min())

    def nearest(self, settings: Mapping[str, Any]) -> int:
        """The row of the recorded training nearest to settings."""
        point = np.concatenate([self._place(key, [settings[key]])[0] for key in self.space])
        return int(self._tree.query(point)[1])

    def trials_of_random(self, error: float) -> float:
        """How many trials drawn at random from the table reach an error with even chances."""
        share = float((self.errors <= error).mean())
        if share == 0.0:
            return np.inf
        return 1.0 if share >= 0.5 else float(np.log(0.5) / np.log1p(-share))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(np.hstack([self._place(key, self.settings[key]) for key in self.space]))

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
    log = bool(low > 0 and high / low >= _LOGARITHMIC)
    if pd.api.types.is_integer_dtype(column):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)
