"""Figures of an ablation's errors: against each factor, as a heat map, and with batch statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis import arms, scores
from analysis.load import Run
from analysis.plots import style
from analysis.plots.bands import limit
from analysis.plots.looks import LINES, MARKERS, colours
from analysis.tables.rounding import number
from studies.records.intervals import median_interval

NOTE = "Dots: replicates; bars: median and its interval (see table)."


def error_by_factor(run: Run) -> Figure | None:
    """Error against each factor's levels, every replicate a dot, with median and interval.

    Lines of a two-factor grid are the other factor's levels.  Arms that are no grid are a list of names.
    """
    rows = arms.arm_rows(run)
    if not any(np.isfinite(scores.errors(own)).any() for own in rows.values()):
        return None
    factors = arms.factors(run.study)
    panels = list(factors) if len(factors) in (1, 2) else [""]
    made = style.figure(style.ONE_COLUMN if len(panels) == 1 else style.TWO_COLUMNS, 3.0)
    axes = list(np.atleast_1d(made.subplots(1, len(panels), sharey=True)))
    finite = [mae[np.isfinite(mae)] for mae in map(scores.errors, rows.values())]
    limit(axes[0], finite, room=2.5)
    for axis, key in zip(axes, panels, strict=True):
        if not key:
            _series(axis, list(range(len(rows))), list(rows.values()), style.BLUE, 0, False)
            _names(axis, list(rows))
            axis.set_xlabel("arm")
            continue
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
            above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "columnspacing": 0.9}
            axis.legend(title=arms.key_name(others[0]), title_fontsize=7, ncols=5, handletextpad=0.3, **above)
    axes[0].set_ylabel("MAE (nondimensional)")
    if len(axes) > 1:
        style.letters(axes)
    style.caption(made, f"{_caption(run, rows)} {NOTE}{_lost(rows)}")
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
    for name, own in rows.items():
        line = _place(factors[up], arms.level(run.study, name, up))
        column = _place(factors[across], arms.level(run.study, name, across))
        mae = scores.errors(own)
        if line is None or column is None or not len(mae):
            continue
        middle = median_interval(mae)[0]
        values[line, column] = middle if np.isfinite(middle) else np.nan
        lost = int(np.isinf(mae).sum())
        notes[line, column] = f"{number(middle, 2)}\nn = {len(mae)}" + (f"\n{lost} diverged" if lost else "")
    if not np.isfinite(values).any():
        return None
    width = style.ONE_COLUMN if shape[1] <= 4 else style.TWO_COLUMNS
    made = style.figure(width, 1.2 + 0.5 * shape[0])
    axis = made.subplots()
    low, high = np.nanmin(values), np.nanmax(values)
    norm = LogNorm(low, high if high > low else low * 10)
    axis.set_facecolor("0.9")
    image = axis.imshow(values, norm=norm, cmap="viridis_r", aspect="auto")
    for (line, column), note in notes.items():
        shade = norm(values[line, column]) if np.isfinite(values[line, column]) else 0.0
        colour = "white" if shade > 0.5 else "black"
        axis.text(column, line, note, ha="center", va="center", fontsize=6.5, color=colour)
    axis.set_xticks(range(shape[1]), [arms.level_name(value) for value in factors[across]])
    axis.set_yticks(range(shape[0]), [arms.level_name(value) for value in factors[up]])
    axis.set(xlabel=arms.key_name(across), ylabel=arms.key_name(up))
    axis.spines[:].set_visible(False)
    made.colorbar(image, label="median MAE")
    style.caption(made, _caption(run, rows) + " Grey: half or more diverged, or not run.")
    return made


def batch_statistics(run: Run) -> Figure | None:
    """Errors of the same networks with population and with batch statistics, side by side.

    Only arms with batch normalisation have both.
    """
    rows = {
        name: own
        for name, own in arms.arm_rows(run).items()
        if not np.isnan(scores.numbers(own["mae_batch_statistics"])).all()
    }
    if not rows:
        return None
    made = style.figure(style.ONE_COLUMN, 3.2)
    axis = made.subplots()
    both = {
        "mae": ("evaluation mode (population statistics)", -0.12),
        "mae_batch_statistics": ("training mode (batch statistics)", 0.12),
    }
    finite = []
    for place, (metric, (label, shift)) in enumerate(both.items()):
        colour = style.PALETTE[place]
        for x, own in enumerate(rows.values()):
            mae = scores.errors(own, metric)
            finite.append(mae[np.isfinite(mae)])
            _mark(axis, x + shift, mae, colour, MARKERS[place], label if x == 0 else None)
    limit(axis, finite)
    _names(axis, list(rows))
    axis.set_ylabel("MAE (nondimensional)")
    made.legend(*style.entries([axis]), loc="outside upper left")
    style.caption(made, f"{_caption(run, rows)} {NOTE}{_lost(rows)}")
    return made


def _lines(
    run: Run, rows: dict[str, pd.DataFrame], key: str, others: list[str]
) -> list[tuple[str | None, dict[str, pd.DataFrame]]]:
    """The arms' rows by their level of `key`, a dictionary for each level of the other factor."""
    study = run.study
    if not others:
        return [(None, {arms.level_name(arms.level(study, name, key)): own for name, own in rows.items()})]
    found: list[tuple[str | None, dict[str, pd.DataFrame]]] = []
    for value in arms.factors(study)[others[0]]:
        own = [name for name in rows if arms.level(study, name, others[0]) == value]
        levels = {arms.level_name(arms.level(study, name, key)): rows[name] for name in own}
        found.append((arms.level_name(value), levels))
    return found


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
    for where, own in zip(x, groups, strict=True):
        mae = scores.errors(own)
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
    axis.scatter(np.full(len(finite), x), finite, s=6, color=colour, alpha=0.4, linewidths=0, zorder=2)
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
        axis.minorticks_off()
    shown = levels if len(levels) <= 6 else levels[:: -(-len(levels) // 6)]
    axis.set_xticks(shown, [arms.level_name(value) for value in shown])


def _names(axis: Axes, names: list[str]) -> None:
    """Categories as ticks, slanted where they would touch."""
    wide = sum(map(len, names)) > 30
    shown = [name.replace(", ", ",\n") for name in names]
    axis.set_xticks(range(len(names)), shown, rotation=40 if wide else 0, ha="right" if wide else "center")
    axis.set_xlim(-0.5, len(names) - 0.5)


def _place(levels: list[Any], value: Any) -> int | None:
    names = [arms.level_name(one) for one in levels]
    return names.index(arms.level_name(value)) if arms.level_name(value) in names else None


def _caption(run: Run, rows: dict[str, pd.DataFrame]) -> str:
    counts = sorted({len(scores.errors(own)) for own in rows.values()})
    n = " to ".join(str(value) for value in dict.fromkeys([counts[0], counts[-1]]))
    return f"{run.study.name}: n = {n} replicates an arm."


def _lost(rows: dict[str, pd.DataFrame]) -> str:
    lost = sum(scores.count(own, "diverged") for own in rows.values())
    return f" Triangles: how many diverged ({lost} in all)." if lost else " None diverged."
