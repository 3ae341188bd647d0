"""Figures of an ablation's errors: against each factor, as a heat map, and with batch statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from analysis import arms, scores
from analysis.load import Run
from analysis.plots import style, ticks
from analysis.plots.bands import limit
from analysis.plots.findings import best_arm, median, said
from analysis.plots.looks import LINES, MARKERS, colours
from studies.records import LABELS, words
from studies.records.intervals import median_interval
from studies.records.reduction import median as median_of

_CELL = 0.8
"""Inches of a figure's width for a cell of the heat map whose text lies."""
NOTE = "Dots, left of their bar: replicates; bars: median and its interval."


def error_by_factor(run: Run) -> Figure | None:
    """Error against each factor's levels, every replicate a dot, with median and interval.

    Lines of a two-factor grid are the other factor's levels.  Arms that are no grid are a list of names.
    """
    rows = arms.arm_rows(run)
    if not any(np.isfinite(scores.errors(arm_rows)).any() for arm_rows in rows.values()):
        return None
    factors = arms.factors(run.study)
    if len(factors) not in (1, 2) or (len(factors) == 1 and not arms.ordered(next(iter(factors.values())))):
        return _ranked(run, rows)
    panels = list(factors)
    columns = style.beside(len(panels))
    lines = len(panels) // columns
    made = style.figure(style.width(style.ONE_COLUMN if len(panels) == 1 else style.TWO_COLUMNS), 2.6 * lines)
    axes = list(made.subplots(lines, columns, sharey=True, squeeze=False).flat)
    finite = [mae[np.isfinite(mae)] for mae in map(scores.errors, rows.values())]
    limit(axes[0], finite, room=1.6)
    for axis, key in zip(axes, panels, strict=True):
        others = [other for other in factors if other != key]
        for place, (label, line) in enumerate(_lines(run, rows, key, others)):
            levels = factors[key]
            colour = colours(factors[others[0]])[place] if others else style.BLUE
            numeric = arms.ordered(levels)
            shift = 0.0 if numeric else 0.16 * (place - (len(factors[others[0]]) - 1) / 2) if others else 0.0
            x = list(levels) if numeric else [where + shift for where in range(len(levels))]
            none = run.trials.iloc[:0]
            groups = [line.get(arms.level_name(value), none) for value in levels]
            _series(axis, x, groups, colour, place, numeric, label)
        if arms.ordered(factors[key]):
            _numeric(axis, factors[key])
        else:
            _names(axis, [arms.level_name(value) for value in factors[key]])
        axis.set_xlabel(arms.key_name(key))
        if others:
            axis.legend(title=arms.key_name(others[0]), title_fontsize=7, handletextpad=0.3)
    for axis in axes[::columns]:
        axis.set_ylabel(f"{run.metric_name} (nondimensional)")
    if len(axes) > 1:
        style.letters(axes)
    style.explain(made, best_arm(run), f"{_caption(run, rows)} {NOTE}{_lost(rows)}")
    return made


def _ranked(run: Run, rows: dict[str, pd.DataFrame]) -> Figure:
    """Arms that are names, not numbers: a line for each, where any name has room, the baseline's marked."""
    made = style.figure(style.width(style.ONE_COLUMN), 0.6 + 0.3 * len(rows))
    axis = made.subplots()
    every = [scores.errors(arm_rows) for arm_rows in rows.values()]
    shown = np.concatenate([mae[np.isfinite(mae)] for mae in every])
    axis.set_xscale("log")
    if len(shown) and shown.max() > 0:
        axis.set_xlim(shown[shown > 0].min() / 1.6, shown.max() * 1.6)
    for place, mae in enumerate(every):
        finite = mae[np.isfinite(mae)]
        axis.scatter(
            finite, np.full(len(finite), place + 0.25), s=6, color=style.BLUE, alpha=0.5, linewidths=0
        )
        middle, low, high = median_interval(mae) if len(mae) else (np.nan,) * 3
        if np.isfinite(low):
            axis.hlines(place, low, high if np.isfinite(high) else axis.get_xlim()[1], color=style.BLUE)
        if np.isfinite(middle):
            axis.plot([middle], [place], color=style.BLUE, marker="o")
        if lost := int(np.isinf(mae).sum()):
            side = axis.get_yaxis_transform()  # x from 0 to 1 over the axes' width, y in data
            axis.scatter(1.0, place, marker=">", s=18, color=style.PURPLE, transform=side, clip_on=False)
            axis.text(1.03, place, f"{lost}", transform=side, fontsize=6, va="center", color=style.PURPLE)
    base = rows.get(str(run.study.baseline))
    middle = np.nan if base is None else median(base)
    if np.isfinite(middle):
        axis.axvline(middle, color=style.GREEN, linestyle="--", linewidth=0.8, zorder=0)
    ticks.names(axis.yaxis, [name.replace(", ", ",\n") for name in rows])
    axis.set_ylim(len(rows) - 0.5, -0.6)
    axis.set_xlabel(f"{run.metric_name} (nondimensional)")
    note = "Dots, under their bar: replicates; bars: median and its interval."
    note += f" Dashed: the baseline's median ({run.study.baseline})." if np.isfinite(middle) else ""
    style.explain(made, best_arm(run), f"{_caption(run, rows)} {note}{_lost(rows)}")
    return made


def heat_map(run: Run) -> Figure | None:
    """Median error over a two-factor grid, with n and divergence in each cell."""
    factors = arms.factors(run.study)
    if len(factors) != 2:
        return None
    up, across = factors
    rows = arms.arm_rows(run)
    shape = (len(factors[up]), len(factors[across]))
    values, notes = np.full(shape, np.nan), {}
    for name, arm_rows in rows.items():
        line = _place(factors[up], arms.level(run.study, name, up))
        column = _place(factors[across], arms.level(run.study, name, across))
        mae = scores.errors(arm_rows)
        if line is None or column is None or not len(mae):
            continue
        middle = median_interval(mae)[0]
        values[line, column] = middle if np.isfinite(middle) else np.nan
        lost = int(np.isinf(mae).sum())
        notes[line, column] = f"{said(middle)}\nn = {len(mae)}" + (f"\n{lost} diverged" if lost else "")
    if not np.isfinite(values).any():
        return None
    width = style.width(style.ONE_COLUMN if shape[1] <= 4 else style.TWO_COLUMNS)
    upright = width / shape[1] < _CELL
    made = style.figure(width, 0.8 + (0.8 if upright else 0.5) * shape[0])
    axis = made.subplots()
    low, high = np.nanmin(values), np.nanmax(values)
    norm = LogNorm(low, high if high > low else low * 10)
    axis.set_facecolor("0.9")
    image = axis.imshow(values, norm=norm, cmap="viridis_r", aspect="auto")
    for (line, column), note in notes.items():
        shade = norm(values[line, column]) if np.isfinite(values[line, column]) else 0.0
        colour = "white" if shade > 0.5 else "black"
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6.5, "color": colour}
        axis.text(column, line, note, rotation=90 if upright else 0, **look)
    ticks.names(axis.xaxis, [arms.level_name(value) for value in factors[across]])
    ticks.names(axis.yaxis, [arms.level_name(value) for value in factors[up]])
    axis.set(xlabel=arms.key_name(across), ylabel=arms.key_name(up))
    axis.spines[:].set_visible(False)
    made.colorbar(image, label=f"median {run.metric_name}")
    style.explain(made, best_arm(run), _caption(run, rows) + " Grey: half or more diverged, or not run.")
    return made


def batch_statistics(run: Run) -> Figure | None:
    """Errors of the same networks with population and with batch statistics, side by side.

    Only arms with batch normalisation have both.
    """
    rows = {
        name: arm_rows
        for name, arm_rows in arms.arm_rows(run).items()
        if not np.isnan(scores.numbers(arm_rows["mae_batch_statistics"])).all()
    }
    if not rows:
        return None
    made = style.figure(style.width(style.ONE_COLUMN), 3.2)
    axis = made.subplots()
    both = {
        "mae": ("evaluation mode (population statistics)", -0.12),
        "mae_batch_statistics": ("training mode (batch statistics)", 0.12),
    }
    finite = []
    for place, (metric, (label, shift)) in enumerate(both.items()):
        colour = style.PALETTE[place]
        for x, arm_rows in enumerate(rows.values()):
            mae = scores.errors(arm_rows, metric)
            finite.append(mae[np.isfinite(mae)])
            _mark(axis, x + shift, mae, colour, MARKERS[place], label if x == 0 else None)
    limit(axis, finite)
    _names(axis, list(rows))
    axis.set_ylabel(f"{LABELS['mae']} (nondimensional)")  # whatever ranks
    style.legend(made, *style.entries([axis]), at="left")
    middles = [
        [float(median_of(scores.errors(arm_rows, metric))) for metric in both] for arm_rows in rows.values()
    ]
    lower = sum(by_batch < by_population for by_population, by_batch in middles)
    arms_of = words.share(lower, len(rows), "arm")
    title = f"With the batch's own statistics the median MAE is lower in {arms_of}"
    style.explain(made, title, f"{_caption(run, rows)} {NOTE}{_lost(rows)}")
    return made


def _lines(
    run: Run, rows: dict[str, pd.DataFrame], key: str, others: list[str]
) -> list[tuple[str | None, dict[str, pd.DataFrame]]]:
    """The arms' rows by their level of `key`, a dictionary for each level of the other factor."""
    study = run.study
    if not others:
        return [
            (None, {arms.level_name(arms.level(study, name, key)): names for name, names in rows.items()})
        ]
    lines: list[tuple[str | None, dict[str, pd.DataFrame]]] = []
    for value in arms.factors(study)[others[0]]:
        names = [name for name in rows if arms.level(study, name, others[0]) == value]
        levels = {arms.level_name(arms.level(study, name, key)): rows[name] for name in names}
        lines.append((arms.level_name(value), levels))
    return lines


def _series(
    axis: Axes,
    x: list[Any],
    groups: list[pd.DataFrame],
    colour: Any,
    place: int,
    joined: bool,
    label: str | None = None,
) -> None:
    """One line of medians with intervals, replicates as dots; diverged ones at the upper edge."""
    middles = []
    for where, group in zip(x, groups, strict=True):
        mae = scores.errors(group)
        middle = median_interval(mae)[0] if len(mae) else np.nan
        middles.append(middle if np.isfinite(middle) else np.nan)
        _mark(axis, where, mae, colour, MARKERS[place % len(MARKERS)])
    line = LINES[place % len(LINES)] if joined else "none"
    marker = MARKERS[place % len(MARKERS)]
    axis.plot(x, middles, color=colour, linestyle=line, marker=marker, markersize=3.5, label=label, zorder=3)


def _mark(axis: Axes, x: float, mae: np.ndarray, colour: Any, marker: str, label: str | None = None) -> None:
    """Replicates, median and interval at one place; an infinite end is an arrow to the upper edge."""
    if not len(mae):
        return
    finite = mae[np.isfinite(mae)]
    # Beside the bar by some points of the page, whatever the scale of the axis.
    aside = axis.transData + ScaledTranslation(-3.5 / 72, 0.0, axis.figure.dpi_scale_trans)
    look: dict[str, Any] = {"s": 6, "color": colour, "alpha": 0.5, "linewidths": 0, "zorder": 2}
    axis.scatter(np.full(len(finite), x), finite, transform=aside, **look)
    middle, low, high = median_interval(mae)
    if np.isfinite(low):
        top = high if np.isfinite(high) else axis.get_ylim()[1]
        axis.vlines(x, low, max(top, low), color=colour, linewidth=1.2, zorder=3)
    if np.isfinite(middle):
        axis.plot([x], [middle], color=colour, marker=marker, linestyle="none", label=label, zorder=4)
    lost = int(np.isinf(mae).sum())
    if lost:
        edge = axis.get_xaxis_transform()  # x in data, y from 0 to 1 over the axes' height
        axis.scatter(x, 1.0, marker="^", s=18, color=style.PURPLE, transform=edge, clip_on=False, zorder=5)
        axis.text(x, 1.03, f"{lost}", transform=edge, fontsize=6, ha="center", color=style.PURPLE)


def _numeric(axis: Axes, levels: list[Any]) -> None:
    """A numeric axis with the levels as ticks, logarithmic where they are geometric."""
    if arms.geometric(levels):
        axis.set_xscale("log")
    ticks.levels(axis.xaxis, levels)


def _names(axis: Axes, names: list[str]) -> None:
    """Categories as ticks, upright where they would touch."""
    wide = sum(map(len, names)) > 30
    ticks.names(axis.xaxis, [name.replace(", ", ",\n") for name in names], rotation=90 if wide else 0)
    axis.set_xlim(-0.5, len(names) - 0.5)


def _place(levels: list[Any], value: Any) -> int | None:
    names = [arms.level_name(level) for level in levels]
    return names.index(arms.level_name(value)) if arms.level_name(value) in names else None


def _caption(run: Run, rows: dict[str, pd.DataFrame]) -> str:
    counts = sorted({len(scores.errors(trials)) for trials in rows.values()})
    return f"{run.study.name}: n = {words.counted_between(counts[0], counts[-1], 'replicate')} an arm."


def _lost(rows: dict[str, pd.DataFrame]) -> str:
    lost = sum(scores.count(trials, "diverged") for trials in rows.values())
    return f" Triangles: how many diverged ({lost} in all)." if lost else " None diverged."
