"""Learning curves of an ablation: the first iterations with an inset, and whole runs at equal budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import arms, scores
from analysis.curves import Curve, arm_curves, band, thinned
from analysis.load import Run
from analysis.plots import style
from analysis.plots.bands import draw_band, limit
from analysis.plots.looks import Look, legend, legend_title, looks, titles

FIRST = 1000
INSET = {False: 50, True: 100}
"""Iterations shown, and those in the inset without and with panels (Detorakis, figures 9 and 10)."""

CUT = ", cut off at the median where replicates diverged"

AXES = {
    "iterations": "iterations (optimizer steps)",
    "points": "training points seen",
    "seconds": "training time (s)",
}


def first_iterations(run: Run) -> Figure | None:
    """Loss over the first iterations, arms as lines, with an inset of the very first; panels by a factor."""
    rows = arms.arm_rows(run)
    found = arm_curves(run, "loss", until=FIRST)
    if not found:
        return None
    look = looks(run.study, list(found))
    panels = list(dict.fromkeys(one.panel for one in look.values()))
    width = style.ONE_COLUMN if len(panels) == 1 else style.TWO_COLUMNS
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    made = style.figure(width, 0.9 + 2.5 * lines)
    axes = list(made.subplots(lines, columns, sharey=True, squeeze=False).flat)
    shown = {name: thinned(one, bins=100, spacing="linear") for name, one in found.items()}
    inset = min(INSET[len(panels) > 1], max(2, int(max(one.iterations[-1] for one in found.values())) // 5))
    for axis, panel in zip(axes, panels, strict=False):
        own = {name: one for name, one in found.items() if look[name].panel == panel}
        _curves(axis, {name: shown[name] for name in own}, look)
        axis.set(xlabel=AXES["iterations"], ylabel="training loss")
        if panel is not None:
            axis.set_title(f"{titles(run.study)[1]}: {panel}")
        _inset(axis, own, look, inset)
    limit(axes[0], [edge for one in shown.values() for edge in band(one.values)], room=1.3)
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(low, high * (high / low) ** 0.7)  # the insets' place
    _finish(made, axes, panels, run)
    text = f"{_caption(run, rows)} Lines: median over replicates (of up to 10 iterations each); "
    style.caption(made, f"{text}bands: its interval{CUT}. Inset: the first {inset} iterations, every one.")
    return made


def equal_budgets(run: Run) -> Figure | None:
    """Loss and error against iterations, training points seen and seconds: a column for each budget."""
    rows = arms.arm_rows(run)
    labels = {"loss": "training loss", "mae": "MAE"}
    found = {key: {name: thinned(one) for name, one in arm_curves(run, key).items()} for key in labels}
    if not found["loss"]:
        return None
    look = looks(run.study, list(rows))
    made = style.figure(style.TWO_COLUMNS, 4.9)
    grid = made.subplots(2, 3, sharey="row", sharex="col")
    for line, (column, label) in zip(grid, labels.items(), strict=True):
        for axis, budget in zip(line, AXES, strict=True):
            for name, one in found[column].items():
                middle, _, _ = band(one.values)
                shown = np.where(np.isfinite(middle), middle, np.nan)
                axis.plot(one.spent(budget), shown, **look[name].curve())
            axis.set_xscale("log")
        limit(line[0], [band(one.values)[0] for one in found[column].values()])
        line[0].set_ylabel(f"{label} (nondimensional)")
    for axis, budget in zip(grid[1], AXES, strict=True):
        axis.set_xlabel(AXES[budget])
    style.letters(list(grid.flat))
    _legend(made, *legend(look, marks=False), legend_title(run.study, marks=False))
    k = run.study.replicates
    text = f"{_caption(run, rows)} Lines: median over replicates; a line ends where half of them diverged."
    style.caption(made, f"{text} Seconds are those of {k} replicates trained together.")
    return made


def error_curves(run: Run) -> Figure | None:
    """The error while training with its band over seeds, panels by a factor."""
    rows = arms.arm_rows(run)
    found = arm_curves(run, "mae")
    if not found:
        return None
    look = looks(run.study, list(found))
    panels = list(dict.fromkeys(one.panel for one in look.values()))
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    made = style.figure(style.ONE_COLUMN if len(panels) == 1 else style.TWO_COLUMNS, 0.9 + 2.3 * lines)
    axes = list(made.subplots(lines, columns, sharey=True, squeeze=False).flat)
    for axis, panel in zip(axes, panels, strict=False):
        own = {name: thinned(one, bins=120) for name, one in found.items() if look[name].panel == panel}
        _curves(axis, own, look)
        axis.set(xscale="log", xlabel=AXES["iterations"], ylabel="MAE (nondimensional)")
        if panel is not None:
            axis.set_title(f"{titles(run.study)[1]}: {panel}")
    limit(axes[0], [one.values for one in found.values()])
    _finish(made, axes, panels, run)
    style.caption(made, f"{_caption(run, rows)} Lines: median over replicates; bands: its interval{CUT}.")
    return made


def _curves(axis: Axes, found: Mapping[str, Curve], look: Mapping[str, Look]) -> None:
    for name, one in found.items():
        shade = {"label": look[name].label, "color": look[name].color}
        draw_band(axis, one.iterations, *band(one.values), alpha=0.12, **shade)


def _finish(made: Figure, axes: list[Axes], panels: list[str | None], run: Run) -> None:
    """Letters, outer labels and a legend for the panels in use; the others are removed."""
    used = axes[: len(panels)]
    for axis in used:
        axis.label_outer()
    for axis in axes[len(panels) :]:
        axis.remove()
    if len(panels) > 1:
        style.letters(used)
    _legend(made, *style.entries(used), titles(run.study)[0])


def _inset(axis: Axes, found: Mapping[str, Curve], look: Mapping[str, Look], until: int) -> None:
    """The first iterations one by one, in the upper right, where falling curves leave room."""
    inset = axis.inset_axes((0.42, 0.60, 0.56, 0.38))
    for name, one in found.items():
        early = one.iterations <= until
        middle, _, _ = band(one.values[early])
        shown = np.where(np.isfinite(middle), middle, np.nan)
        inset.plot(one.iterations[early], shown, color=look[name].color, linewidth=0.8)
    limit(inset, [band(one.values[one.iterations <= until])[0] for one in found.values()], room=1.3)
    inset.set_xlim(1, until)
    inset.tick_params(labelsize=6, length=2)
    inset.patch.set_alpha(0.9)


def _legend(made: Figure, handles: list[Any], labels: list[str], title: str) -> None:
    columns = min(len(labels), 6 if made.get_figwidth() < style.TWO_COLUMNS else 11)
    if max(map(len, labels)) > 8:
        columns = max(1, int(made.get_figwidth() * 14) // (max(map(len, labels)) + 8))
    made.legend(
        handles, labels, title=title or None, title_fontsize=7, ncols=columns, loc="outside upper center",
        handlelength=1.4, columnspacing=0.9,
    )  # fmt: skip


def _caption(run: Run, rows: Mapping[str, pd.DataFrame]) -> str:
    counts = [len(scores.errors(own)) for own in rows.values()]
    lost = sum(scores.count(own, "diverged") for own in rows.values())
    n = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    rates = {"shared": "one learning rate for all", "tuned": "learning rate tuned for each"}
    return f"{run.study.name}: n = {n} replicates an arm, {lost} diverged, {rates[run.study.learning_rates]}."
