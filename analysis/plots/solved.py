"""One setting's solution as the records have it: the points of its median replicate, and their errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from analysis import scores
from analysis.load import Run
from studies.records.reduction import median

Array = NDArray[np.float64]

TIME = "t"
UNIT = "(nondimensional)"
SIGNED, MAGNITUDE = "cividis", "magma"
DECADES = 4
"""Of an error's colours, at most, below its largest."""


@dataclass(frozen=True)
class MedianSolution:
    """One setting's solution by its median replicate, of an even number the better of the middle two.

    `points` has the columns of solutions.parquet, (N, …); `every` the same of all its replicates.
    """

    name: str
    rows: pd.DataFrame
    points: pd.DataFrame
    every: pd.DataFrame

    def prediction(self, output: str) -> Array:
        """The approximation, (N,)."""
        return self.points[f"prediction_{output}"].to_numpy(dtype=float)

    def reference(self, output: str) -> Array:
        """What is known of the solution, (N,)."""
        return self.points[f"reference_{output}"].to_numpy(dtype=float)

    def error(self, output: str) -> Array:
        """|u − u*|, (N,)."""
        return np.abs(self.prediction(output) - self.reference(output))


def solved(run: Run, name: str, rows: pd.DataFrame) -> MedianSolution | None:
    """The solution of some trial rows; None where none is recorded or half or more of them diverged."""
    rows = scores.counted(rows)
    mae = scores.errors(rows)
    if not len(mae):
        return None
    table = run.solutions
    every = table[(table["phase"] == rows["phase"].iloc[0]) & table["trial"].isin(rows["trial"])]
    place = int(np.argsort(mae, kind="stable")[(len(mae) - 1) // 2])
    if every.empty or not np.isfinite(median(mae)):
        return None
    middle = rows.iloc[place]
    middle_points = every[(every["trial"] == middle["trial"]) & (every["replicate"] == middle["replicate"])]
    return None if middle_points.empty else MedianSolution(name, rows, middle_points, every)


def headline(run: Run, name: str) -> MedianSolution | None:
    """The solution of one headline."""
    rows = scores.headlines(run.trials).get(name)
    return None if rows is None else solved(run, name, rows)


def headline_errors(run: Run, output: str) -> list[Array]:
    """|u − u*| of all headlines, so that winner and baseline share one scale."""
    solutions = [headline(run, name) for name in scores.headlines(run.trials)]
    return [solution.error(output) for solution in solutions if solution is not None]


def error_scale(errors: list[Array]) -> LogNorm:
    """Colours of |u − u*|: logarithmic, from the largest down to where a hundredth of the points lies."""
    return LogNorm(*_ends(errors))


def _ends(errors: list[Array]) -> tuple[float, float]:
    joined = np.concatenate(errors)
    joined = joined[np.isfinite(joined) & (joined > 0)]
    if not len(joined):
        return 1e-16, 1.0
    high = float(joined.max())
    low = min(max(float(np.quantile(joined, 0.01)), high / 10.0**DECADES), high / 10.0)
    return low, high


def error_limits(errors: list[Array]) -> tuple[float, float]:
    """The ends of a logarithmic axis of |u − u*|, on the scale of its colours."""
    low, high = _ends(errors)
    return low / 2.0, high * 2.0
