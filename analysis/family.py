"""The error along a parameter that is an input: how well each problem of a family is solved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis import scores
from analysis.load import Run
from analysis.plots.solved import solved
from analysis.tables.rounding import number
from studies.records.reduction import median, ranked

PARTS = 10
"""Of equal length, into which the parameter's range is cut."""


def errors_along(run: Run, name: str, parameter: str) -> pd.DataFrame:
    """The relative L² error in each part of a parameter's range, of one headline.

    Columns: lower and upper of the part, points, the median of its replicates and the least and greatest of
    them, infinite where one diverged; rows without points are left out.  Empty where no solution or no
    reference is recorded.
    """
    rows = scores.headlines(run.trials)[name]
    solution = solved(run, name, rows) if run.has_reference else None
    if solution is None:
        return pd.DataFrame()
    edges = np.linspace(*run.study.axes[parameter], PARTS + 1)
    every = solution.every
    place = np.clip(np.searchsorted(edges, every[parameter], side="right") - 1, 0, PARTS - 1)
    parts = []
    for part in range(PARTS):
        points = every[place == part]
        if points.empty:
            continue
        errors = ranked(
            _relative(replicate, run.study.outputs) for _, replicate in points.groupby(["trial", "replicate"])
        )
        parts.append(
            {
                "lower": edges[part],
                "upper": edges[part + 1],
                "points": len(points) // len(errors),
                "rel_l2": float(median(errors)),
                "least": float(errors.min()),
                "greatest": float(errors.max()),
            }
        )
    return pd.DataFrame(parts)


def _relative(points: pd.DataFrame, outputs: list[str]) -> float:
    """The root mean square over the outputs of each one's relative 2-norm."""
    squares = []
    for output in outputs:
        reference = points[f"reference_{output}"].to_numpy(dtype=float)
        difference = points[f"prediction_{output}"].to_numpy(dtype=float) - reference
        size = float(np.linalg.norm(reference)) or float(np.sqrt(len(reference)))
        squares.append(float(np.linalg.norm(difference)) / size)
    return float(np.sqrt(np.mean(np.square(squares))))


def every_headline(run: Run) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Headline, parameter and its errors, of those that have any."""
    for parameter in run.study.parameter_axes:
        for name in scores.headlines(run.trials):
            errors = errors_along(run, name, parameter)
            if len(errors):
                yield name, parameter, errors


def family_table(run: Run) -> pd.DataFrame:
    """All of them in one table; empty where the problem is no family."""
    tables = [
        errors.assign(settings=name, parameter=parameter) for name, parameter, errors in every_headline(run)
    ]
    if not tables:
        return pd.DataFrame()
    joined = pd.concat(tables, ignore_index=True)
    return joined[["settings", "parameter", "lower", "upper", "points", "rel_l2", "least", "greatest"]]


def said(errors: pd.DataFrame, parameter: str) -> str:
    """Where in a parameter's range the error is largest, in words."""
    worst = errors.iloc[int(np.argmax(errors["rel_l2"].to_numpy()))]
    best = errors["rel_l2"].min()
    where = f"{parameter} from {number(worst['lower'], 2)} to {number(worst['upper'], 2)}"
    return f"error {number(worst['rel_l2'], 2)} for {where}, and {number(best, 2)} where it is least"
