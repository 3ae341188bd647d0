"""How a training went: its loss and its error, and the polish as the part of it that it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.arms import key_name
from analysis.curves import Curve, band, course, thinned
from analysis.load import Run
from analysis.plots import style
from analysis.plots.bands import draw_band, limit
from studies.records import CONFIG
from studies.records.words import counted

STEPS = "iterations and polish steps"
ITERATIONS = key_name("iterations")


def training_panels(run: Run, loss: Axes, error: Axes, rows: pd.DataFrame) -> str:
    """Loss and error over the iterations, medians with their intervals; what the caption says of them."""
    text = f"Loss and {run.noun}: median over replicates and its interval."
    went = course(run, rows)
    shown = _thinned(went.loss, went.polishes)
    draw_band(loss, shown.iterations, *band(shown.values), color=style.BLUE)
    limit(loss, band(went.loss.values))
    known = np.isfinite(went.error.values).any(axis=1)
    x, measured = went.error.iterations[known], went.error.values[known]
    draw_band(error, x, *band(measured), color=style.VERMILION, marker="." if len(x) < 12 else None)
    if len(x):
        limit(error, band(measured))
    across = STEPS if went.polishes else ITERATIONS
    scale = "log" if (shown.iterations > 0).any() else "linear"
    loss.set(xscale=scale, xlabel=across, ylabel="training loss", title="loss")
    error.set(xscale=scale, xlabel=across, ylabel=run.metric_name, title=run.noun)
    asked, windows = _polish(rows)
    for first, last in went.polishes:
        for axis in (loss, error):
            axis.axvspan(first - 0.5, last + 0.5, color="0.9", linewidth=0, zorder=0)
    if went.polishes:
        steps = sum(last - first + 1 for first, last in went.polishes)
        text += f" Grey: {counted(steps, 'step')} of polish"
        text += f", at the ends of {counted(windows, 'time window')}." if windows > 1 else "."
    elif asked:
        most = counted(asked, "iteration")
        text += f" The last {run.noun} is after a polish of at most {most}; its steps are not recorded."
    if went.polishes or windows > 1:  # what comes late counts as much as what comes early
        loss.set_xscale("linear")
        error.set_xscale("linear")
        loss.set_xlim(0, None)
    low, high = loss.get_xlim()
    if low > 0 or error.get_xscale() == "linear":
        error.set_xlim(low, high)
    return text


def _thinned(curve: Curve, polishes: list[tuple[int, int]]) -> Curve:
    """Thinned losses: each polish, and what is between two, by itself, as a polish has few steps."""
    if not polishes:
        return thinned(curve)
    edges = [0.0, *(edge for first, last in polishes for edge in (first - 1, last)), np.inf]
    spans = [(curve.iterations > low) & (curve.iterations <= high) for low, high in pairwise(edges)]
    parts = [
        thinned(Curve(curve.iterations[span], curve.values[span], curve.cost), spacing="linear")
        for span in spans
        if span.any()
    ]
    iterations = np.concatenate([part.iterations for part in parts])
    return Curve(iterations, np.concatenate([part.values for part in parts]), curve.cost)


def _polish(rows: pd.DataFrame) -> tuple[int, int]:
    """L-BFGS iterations at most, of each window, and the number of windows; 0 where none was reached."""
    names = (f"{CONFIG}polish_iterations", f"{CONFIG}windows")
    settings = [rows[name].iloc[0] if name in rows and len(rows) else None for name in names]
    iterations, windows = (0 if value is None or pd.isna(value) else int(value) for value in settings)
    ended = (rows["iterations"] == rows["iterations_asked"]).all()
    return (iterations if ended else 0), max(windows, 1)
