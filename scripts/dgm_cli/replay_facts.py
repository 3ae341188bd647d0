"""What a recorded table says by itself: whether its rungs predict the end, and what a loss would choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from analysis.statistics import rank_correlation
from analysis.tables.rounding import interval

if TYPE_CHECKING:
    from studies.replay import TrainingTable

Array = NDArray[np.float64]

_LONG = 8
"""Times a rung: a training so long has most of its way before it there."""
_DRAWS, _OF = 10_000, 24


def rungs_table(read: TrainingTable) -> Table:
    """Spearman's ρ of the error at each rung with the last one: over all trainings that go beyond it, over
    those that go far beyond it, and over the best quarter."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("rung", "n", "ρ with the end", f"{_LONG} times as long", "best quarter"):
        table.add_column(head)
    for place, rung in enumerate(read.rungs):
        beyond = read.ends > rung
        quarter = np.quantile(read.errors[beyond], 0.25, method="lower") if beyond.any() else -np.inf
        best = beyond & (read.errors <= quarter)
        cells = []
        for kept in (beyond, beyond & (read.ends >= _LONG * rung), best):
            correlation = rank_correlation(read.curves[kept, place], read.errors[kept])
            known = f"{interval(*correlation)} ({int(kept.sum())})"
            cells.append("–" if np.isnan(correlation.point) else known)
        table.add_row(f"{rung:,}", str(int(beyond.sum())), *cells)
    return table


def choice_words(errors: Array, judged: Array, column: str) -> list[str]:
    """What choosing by another column costs: of the whole table, and of 24 trainings drawn at random.

    errors, judged: (n,), small is good.
    """
    judged = np.where(np.isfinite(judged), judged, np.inf)
    chosen = int(judged.argmin())
    rank = int((errors < errors[chosen]).sum()) + 1
    drawn = np.random.default_rng(0).integers(len(errors), size=(_DRAWS, _OF))
    selected = np.take_along_axis(errors[drawn], judged[drawn].argmin(axis=1)[:, None], axis=1)[:, 0]
    least = errors[drawn].min(axis=1)
    rho = rank_correlation(judged, errors)
    first = (
        f"Lowest {column}: error {errors[chosen]:.2g}, {rank:,} of {len(errors):,}; the lowest error is "
        f"{errors.min():.2g}.  Rank correlation of {column} and error: {interval(*rho)}."
    )
    if not (least > 0).all():  # there is no ratio to them
        return [first]
    ratio = np.divide(selected, least, out=np.ones_like(least), where=selected != least)  # ∞ of ∞ is the best
    worse = f"{np.median(ratio):.2g} times the error of the best, by median"
    tenth = np.quantile(ratio, 0.9, method="higher")
    return [
        first,
        f"Of {_OF} drawn at random, the one of the lowest {column} has {worse}; more than "
        f"{tenth:.2g} times in a tenth of all draws.",
    ]
