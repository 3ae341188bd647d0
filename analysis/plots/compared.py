"""The errors of several runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.plots import style, ticks
from analysis.plots.findings import said
from analysis.scores import numbers

_MOST = 40
"""Settings that are drawn."""


def errors(names: Sequence[str], table: pd.DataFrame, metric: str) -> Figure | None:
    """The median error of each setting with its interval; None where all diverged.

    names: of the rows of `analysis.tables.compare_table`, which `table` has.
    """
    shown = table.head(_MOST)
    middle, low, high = (numbers(shown[name]) for name in ("score", "score_low", "score_high"))
    known = np.isfinite(middle) & (middle > 0)
    if not known.any():
        return None
    made = style.figure(style.width(), 0.5 + 0.22 * len(shown))
    axis = made.subplots()
    places = np.arange(len(shown))[known]
    ends = [middle[known] - low[known], np.where(np.isfinite(high[known]), high[known] - middle[known], 0.0)]
    ends = [np.clip(np.nan_to_num(each), 0.0, None) for each in ends]
    axis.errorbar(middle[known], places, xerr=ends, fmt="o", color=style.BLUE, capsize=2, linewidth=0.9)
    axis.set(xscale="log", xlabel=f"median {metric} (nondimensional)", ylim=(len(shown) - 0.5, -0.5))
    ticks.names(axis.yaxis, list(names[: len(shown)]))
    best = int(np.flatnonzero(known)[np.argmin(middle[known])])
    text = "Medians over seeds with their intervals."
    if np.isposinf(high[known]).any():
        text += " One without a right end reaches to ∞."
    if (lost := int((~known).sum())) > 0:
        text += f" Without a dot: half or more diverged ({lost})."
    if len(table) > len(shown):
        text += f" The first {len(shown)} of {len(table)}."
    style.explain(made, f"{names[best]} has the lowest median {metric}, {said(float(middle[best]))}", text)
    return style.finish(made)
