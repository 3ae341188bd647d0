"""Figures of a solution: reference, approximation, their difference, and the loss on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis import scores
from analysis.arms import arm_rows, key_name
from analysis.curves import band, curve, thinned
from analysis.load import Run
from analysis.plots import style
from analysis.plots.bands import draw_band, limit

Array = NDArray[np.float64]

_GRID = 3
"""A mesh is drawn where at least one in so many of its cells is known."""

SIGNED, MAGNITUDE = "cividis", "magma"


@dataclass(frozen=True)
class Solved:
    """One setting's solution by its median replicate.

    `points` has the columns of solutions.parquet, (N, …); `every` the same of all its replicates.
    """

    name: str
    rows: pd.DataFrame
    points: pd.DataFrame
    every: pd.DataFrame


def solved(run: Run, name: str, rows: pd.DataFrame) -> Solved | None:
    """The solution of some trial rows; None where none is recorded or half or more of them diverged."""
    rows = scores.counted(rows)
    mae = scores.errors(rows)
    if not len(mae):
        return None
    table = run.solutions
    every = table[(table["phase"] == rows["phase"].iloc[0]) & table["trial"].isin(rows["trial"])]
    place = int(np.argsort(mae, kind="stable")[(len(mae) - 1) // 2])
    if every.empty or not np.isfinite(mae[place]):
        return None
    middle = rows.iloc[place]
    own = every[(every["trial"] == middle["trial"]) & (every["replicate"] == middle["replicate"])]
    return None if own.empty else Solved(name, rows, own, every)


def solution(run: Run, name: str) -> Figure | None:
    """The solution of one headline as the problem's dimension allows, with its loss curve."""
    rows = scores.headlines(run.trials).get(name)
    found = None if rows is None else solved(run, name, rows)
    if found is None:
        return None
    if not run.has_reference:
        made = _alone_panels(run, found)
    else:
        drawn = {1: _line_panels, 2: _field_panels}.get(len(run.study.axes), _scatter_panels)
        made = drawn(run, found)
    style.caption(made, _caption(run, found))
    return made


def field(axis: Axes, points: pd.DataFrame, names: list[str], values: Array, **look: Any) -> ScalarMappable:
    """Values over two axes, time or the last axis horizontal: a mesh on a grid, else dots."""
    across, up = names[1], names[0]
    axis.set(xlabel=f"{across} (nondimensional)", ylabel=f"{up} (nondimensional)")
    wide = points.assign(value=values).pivot_table(index=up, columns=across, values="value")
    if wide.size <= _GRID * len(points):  # a grid, or what a domain contains of one
        return axis.pcolormesh(
            wide.columns, wide.index, wide.to_numpy(), shading="nearest", rasterized=True, **look
        )
    return axis.scatter(points[across], points[up], c=values, s=4, linewidths=0, rasterized=True, **look)


def loss_panel(run: Run, axis: Axes, rows: pd.DataFrame) -> None:
    """The training loss: median over replicates and its interval, on log axes."""
    one = thinned(curve(run, rows, "loss"))
    draw_band(axis, one.iterations, *band(one.values), color=style.BLUE)
    limit(axis, band(one.values))
    axis.set(xscale="log", xlabel=key_name("iterations"), ylabel="training loss")


def _field_panels(run: Run, found: Solved) -> Figure:
    names = list(run.study.axes)
    outputs = run.study.outputs
    made = style.figure(style.TWO_COLUMNS, 2.5 * (len(outputs) + 1))
    grid = made.add_gridspec(len(outputs) + 1, 2 if len(outputs) == 1 else 3)
    if len(outputs) == 1:
        places = [(grid[0, 0], grid[0, 1], grid[1, 0])]
        last = grid[1, 1]
    else:
        places = [(grid[line, 0], grid[line, 1], grid[line, 2]) for line in range(len(outputs))]
        last = grid[len(outputs), :]
    panels = []
    for output, spots in zip(outputs, places, strict=True):
        exact = found.points[f"reference_{output}"].to_numpy()
        guess = found.points[f"prediction_{output}"].to_numpy()
        both = Normalize(min(exact.min(), guess.min()), max(exact.max(), guess.max()))
        shown: tuple[tuple[str, Array, dict[str, Any], str], ...] = (
            ("reference", exact, {"norm": both, "cmap": SIGNED}, output),
            ("approximation", guess, {"norm": both, "cmap": SIGNED}, output),
            ("|difference|", np.abs(guess - exact), {"cmap": MAGNITUDE}, f"|Δ{output}|"),
        )
        for spot, (title, values, look, unit) in zip(spots, shown, strict=True):
            axis = made.add_subplot(spot)
            image = field(axis, found.points, names, values, **look)
            bar = made.colorbar(image, ax=axis, pad=0.02)
            bar.set_label(unit, labelpad=2)
            bar.ax.ticklabel_format(scilimits=(-3, 4))
            axis.set_title(title)
            panels.append(axis)
    axis = made.add_subplot(last)
    loss_panel(run, axis, found.rows)
    axis.set_title("loss")
    style.letters([*panels, axis])
    return made


def _line_panels(run: Run, found: Solved) -> Figure:
    (name,) = run.study.axes
    outputs = run.study.outputs
    panels = len(outputs) + 2
    lines = -(-panels // 2)
    made = style.figure(style.TWO_COLUMNS, 0.4 + 2.2 * lines)
    axes = list(made.subplots(lines, 2, squeeze=False).flat)
    points = found.points.sort_values(name)
    difference = axes[len(outputs)]
    for place, (axis, output) in enumerate(zip(axes, outputs, strict=False)):
        colour = style.PALETTE[place % len(style.PALETTE)]
        x = points[name]
        exact, guess = points[f"reference_{output}"], points[f"prediction_{output}"]
        for _, one in found.every.groupby(["trial", "replicate"]):
            own = one.sort_values(name)
            axis.plot(own[name], own[f"prediction_{output}"], color=colour, linewidth=0.4, alpha=0.4)
        axis.plot(x, exact, color=style.BLACK, linewidth=1.6, label="reference")
        label = "approximation" if len(outputs) == 1 else f"approximation of {output}"
        axis.plot(x, guess, color=colour, linestyle="--", linewidth=1.2, label=label)
        axis.set(xlabel=f"{name} (nondimensional)", ylabel=f"{output} (nondimensional)", title=output)
        difference.semilogy(x, np.abs(guess - exact), color=colour, label=output)
    shown = style.entries(axes[: len(outputs)])
    made.legend(*shown, loc="outside upper right", ncols=len(shown[0]))
    difference.set(xlabel=f"{name} (nondimensional)", ylabel="|difference|", title="|difference|")
    if len(outputs) > 1:
        difference.legend()
    loss = axes[len(outputs) + 1]
    loss_panel(run, loss, found.rows)
    loss.set_title("loss")
    for axis in axes[panels:]:
        axis.remove()
    style.letters(axes[:panels])
    return made


def _scatter_panels(run: Run, found: Solved) -> Figure:
    """For three inputs and more: the approximation against the reference."""
    made = style.figure(style.TWO_COLUMNS, 2.8)
    first, second = made.subplots(1, 2)
    for place, output in enumerate(run.study.outputs):
        exact, guess = found.points[f"reference_{output}"], found.points[f"prediction_{output}"]
        colour = style.PALETTE[place % len(style.PALETTE)]
        first.scatter(exact, guess, s=4, linewidths=0, color=colour, label=output, rasterized=True)
    first.axline((0, 0), slope=1, color=style.BLACK, linewidth=0.6)
    first.set(xlabel="reference (nondimensional)", ylabel="approximation (nondimensional)")
    first.legend()
    loss_panel(run, second, found.rows)
    style.letters([first, second])
    return made


def _alone_panels(run: Run, found: Solved) -> Figure:
    """Without a reference: the approximation of each output, over one or two inputs, and the loss."""
    names, outputs = list(run.study.axes), run.study.outputs if len(run.study.axes) <= 2 else []
    made = style.figure(style.TWO_COLUMNS, 0.4 + 2.2 * (-(-(len(outputs) + 1) // 2)))
    axes = list(made.subplots(-(-(len(outputs) + 1) // 2), 2, squeeze=False).flat)
    for axis, output in zip(axes, outputs, strict=False):
        values = found.points[f"prediction_{output}"].to_numpy()
        if len(names) == 2:
            made.colorbar(field(axis, found.points, names, values, cmap=SIGNED), ax=axis, label=output)
        else:
            for _, one in found.every.groupby(["trial", "replicate"]):
                own = one.sort_values(names[0])
                axis.plot(
                    own[names[0]], own[f"prediction_{output}"], color=style.BLUE, linewidth=0.6, alpha=0.5
                )
            axis.set(xlabel=f"{names[0]} (nondimensional)", ylabel=f"{output} (nondimensional)")
        axis.set_title(f"approximation of {output}")
    loss = axes[len(outputs)]
    loss_panel(run, loss, found.rows)
    loss.set_title("loss")
    for axis in axes[len(outputs) + 1 :]:
        axis.remove()
    style.letters(axes[: len(outputs) + 1])
    return made


def gallery(run: Run, limit_arms: int = 12) -> Figure | None:
    """The approximate solutions of an ablation's arms beside the reference, for one or two inputs."""
    names = list(run.study.axes)
    output = run.study.outputs[0]
    every = [solved(run, name, rows) for name, rows in arm_rows(run).items()]
    found = [one for one in every if one is not None][:limit_arms]
    if not found or len(names) > 2 or not run.has_reference:
        return None
    columns = 4
    lines = -(-(len(found) + 1) // columns)
    made = style.figure(style.TWO_COLUMNS, 0.5 + 1.7 * lines)
    axes = list(made.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    first = found[0].points
    exact = first[f"reference_{output}"].to_numpy()
    norm = Normalize(exact.min(), exact.max())
    shown = [("reference", first, exact)]
    shown += [(one.name, one.points, one.points[f"prediction_{output}"].to_numpy()) for one in found]
    image = None
    for axis, (name, points, values) in zip(axes, shown, strict=False):
        axis.set_title(name.replace(", ", ",\n"), fontsize=style.CAPTION)
        if len(names) == 2:
            image = field(axis, points, names, values, norm=norm, cmap=SIGNED)
            axis.set(xlabel=names[1], ylabel=names[0])
        else:
            axis.plot(points[names[0]], points[f"reference_{output}"], color=style.BLACK)
            axis.plot(points[names[0]], values, color=style.VERMILION, linestyle="--")
            axis.set(xlabel=names[0], ylabel=output)
        axis.label_outer()
    for place, axis in enumerate(axes):
        if place >= len(shown):
            axis.remove()
        elif place + columns >= len(shown):  # nothing below it
            axis.xaxis.set_tick_params(labelbottom=True)
            axis.set_xlabel(names[-1])
    if image is not None:
        made.colorbar(image, ax=axes[: len(shown)], pad=0.01, label=output, extend="both", aspect=40)
    note = f"{run.study.name}: {output} of the median replicate of each arm, n = {len(found[0].rows)} each."
    style.caption(made, f"{note} Axes are nondimensional.")
    return made


def _caption(run: Run, found: Solved) -> str:
    mae = scores.errors(found.rows)
    lost = int(np.isinf(mae).sum())
    text = f"{run.study.problem}, {found.name}: median replicate of n = {len(mae)} by MAE"
    text += f" (MAE {np.sort(mae)[(len(mae) - 1) // 2]:.2g}), {lost} diverged."
    if len(run.study.axes) == 1 and len(mae) > 1:
        text += " Thin lines: all replicates."
    return f"{text} Loss: median over replicates and its interval."
