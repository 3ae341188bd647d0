"""How a training went: its loss and its error, and the polish as the part of it that it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.arms import key_name
from analysis.curves import Array, band, curve, thinned
from analysis.load import Run
from analysis.plots import style
from analysis.plots.bands import draw_band, limit
from studies.records import CONFIG

ITERATIONS = key_name("iterations")


def training_panels(run: Run, loss: Axes, error: Axes, rows: pd.DataFrame) -> str:
    """Loss and error over the iterations, medians with their intervals; what the caption says of them."""
    text = f"Loss and {run.noun}: median over replicates and its interval."
    one = thinned(curve(run, rows, "loss"))
    draw_band(loss, one.iterations, *band(one.values), color=style.BLUE)
    limit(loss, band(one.values))
    loss.set(xscale="log", xlabel=ITERATIONS, ylabel="training loss", title="loss")
    whole = curve(run, rows, "score")
    known = np.isfinite(whole.values).any(axis=1)
    x, measured = whole.iterations[known], whole.values[known]
    iterations, windows = _polish(rows)
    alone = bool(iterations) and windows == 1 and len(x) > 0
    if alone:
        text += " " + _polished(loss, error, x, measured, iterations)
    else:
        draw_band(error, x, *band(measured), color=style.VERMILION, marker=_marker(x))
    if iterations and windows > 1 and len(x):
        for end in x[-1] * np.arange(1, windows + 1) / windows:
            for axis in (loss, error):
                axis.axvline(end, color="0.8", linewidth=0.5, linestyle=":", zorder=0)
        text += f" Dotted: ends of the {windows} time windows, each polished by at most {iterations} L-BFGS"
        text += " iterations."
    if len(x):
        limit(error, band(measured))
    error.set(xscale="log", xlabel=ITERATIONS, ylabel=run.metric_name, title=run.noun)
    if windows > 1:  # each begins anew: none of them is the beginning
        loss.set_xscale("linear")
        error.set_xscale("linear")
        loss.set_xlim(0, None)
    error.set_xlim(loss.get_xlim())
    return text


def _marker(x: Array) -> str | None:
    return "." if len(x) < 12 else None


def _polished(loss: Axes, error: Axes, x: Array, values: Array, iterations: int) -> str:
    """The polish after the last iteration: its error stands behind it, where the polish ends at the latest.

    What it was just before is not recorded: a dashed line joins the last measurement before it.
    """
    last = x[-1]
    end = last + iterations
    if len(x) > 1:
        draw_band(error, x[:-1], *band(values[:-1]), color=style.VERMILION, marker=_marker(x))
    joined = np.array([x[-2] if len(x) > 1 else last, end])
    middle, low, high = band(values[-2:] if len(x) > 1 else np.repeat(values, 2, axis=0))
    error.plot(joined, middle, color=style.VERMILION, linestyle="--", linewidth=0.8)
    error.errorbar(
        end, middle[-1], [[max(middle[-1] - low[-1], 0.0)], [max(min(high[-1], 1e300) - middle[-1], 0.0)]],
        color=style.VERMILION, marker="o", markersize=3.5, capsize=2,
    )  # fmt: skip
    for axis in (loss, error):
        axis.axvspan(last, end, color="0.9", linewidth=0, zorder=0)
    loss.set_xlim(right=end * 1.15)
    return (
        f"Grey: the polish, at most {iterations} L-BFGS iterations after the last step; its losses are not "
        "recorded, and the dot is the error after it."
    )


def _polish(rows: pd.DataFrame) -> tuple[int, int]:
    """L-BFGS iterations at most, of each window, and the number of windows; 0 where none was reached."""
    names = (f"{CONFIG}polish_iterations", f"{CONFIG}windows")
    settings = [rows[name].iloc[0] if name in rows and len(rows) else None for name in names]
    iterations, windows = (0 if value is None or pd.isna(value) else int(value) for value in settings)
    ended = (rows["iterations"] == rows["iterations_asked"]).all()
    return (iterations if ended else 0), max(windows, 1)
