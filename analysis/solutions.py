"""What the report's explorer shows of solutions: values at points, over any number of axes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import scores
from analysis.arms import arm_rows
from analysis.load import Run
from analysis.numbers import plain_number
from analysis.plots.solved import MedianSolution, headline, solved

_POINTS = 4096
"""Of a solution: all of a grid in one or two dimensions, and as many of a scattered set."""
_FIELDS = 12
"""Solutions that a page holds: outputs of winner and baseline, or of arms."""
GRID_AXES = 2
"""Over more, points are scattered (`dgm_core.formulation.evaluation_set`)."""


def shown_solutions(run: Run) -> list[dict[str, Any]]:
    """Solutions of winner, baseline or arms on their points, an entry for each output."""
    heads = {name: headline(run, name) for name in scores.headlines(run.trials)}
    arms = {name: solved(run, name, rows) for name, rows in arm_rows(run).items()}
    known = [solution for solution in {**heads, **arms}.values() if solution is not None]
    return [_field(run, solution, output) for solution in known for output in run.study.outputs][:_FIELDS]


def _field(run: Run, solution: MedianSolution, output: str) -> dict[str, Any]:
    axes = run.study.axes
    points = solution.points.head(_POINTS)
    several = len(run.study.outputs) > 1
    return {
        "name": f"{solution.name}, {output}" if several else solution.name,
        "output": output,
        "axes": list(axes),
        "ends": [[plain_number(low), plain_number(high)] for low, high in axes.values()],
        "grid": len(axes) <= GRID_AXES,
        "points": [_values(points[name]) for name in axes],
        "reference": _values(points[f"reference_{output}"]) if run.has_reference else None,
        "prediction": _values(points[f"prediction_{output}"]),
    }


def _values(column: pd.Series) -> list[float | int | None]:
    return [plain_number(value) for value in column]
