"""Solutions over two and more axes: fields as they lie in space, slices, and errors on one scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from analysis.load import Run
from analysis.plots import style
from analysis.plots.course import training_panels
from analysis.plots.findings import said
from analysis.plots.solved import (
    MAGNITUDE,
    SIGNED,
    TIME,
    UNIT,
    Array,
    MedianSolution,
    error_scale,
    headline_errors,
)
from studies.records import words

_GRID = 3
"""A mesh is drawn where at least one in so many of its cells is known."""
_ALIKE = 0.02
"""Of the solution's range: a smaller error cannot be seen between two panels of colours."""
_SLICES = (1 / 6, 1 / 2, 5 / 6)
"""Where the third axis is cut, and a twelfth of its length to both sides of it."""
_HALF = 1 / 12


def directions(names: list[str]) -> tuple[str, str]:
    """Which of two axes lies across and which points up: in space the first across, else time across."""
    return (names[1], names[0]) if names[1] == TIME else (names[0], names[1])


def field(axis: Axes, points: pd.DataFrame, names: list[str], values: Array, **look: Any) -> ScalarMappable:
    """Values over two axes, space with equal scales: a mesh on a grid, else dots.

    On a logarithmic scale zero, which hard conditions give, has the colour of what lies below the scale.
    """
    if isinstance(look.get("norm"), LogNorm):
        values = np.maximum(values, np.finfo(float).tiny)
    across, up = directions(names)
    axis.set(xlabel=f"{across} {UNIT}", ylabel=f"{up} {UNIT}")
    if TIME not in names:
        axis.set_aspect("equal")
    wide = points.assign(value=values).pivot_table(index=up, columns=across, values="value")
    if wide.size <= _GRID * len(points):  # a grid, or what a domain contains of one
        cells = (wide.columns, wide.index, wide.to_numpy())
        return axis.pcolormesh(*cells, shading="nearest", rasterized=True, **look)
    return axis.scatter(points[across], points[up], c=values, s=5, linewidths=0, rasterized=True, **look)


def height(run: Run, names: list[str], width: float) -> float:
    """Of a panel of `width` inches, labels and colour bar included, in inches."""
    if TIME in names:
        return 1.9
    across, up = (run.study.axes[name] for name in directions(names))
    shape = (up[1] - up[0]) / (across[1] - across[0])
    return float(np.clip((width - 1.15) * shape, 0.7, 3.2)) + 0.55


def field_panels(run: Run, solution: MedianSolution) -> tuple[Figure, str]:
    """Two axes: the approximation, |u − u*| and the training; the reference too where it looks different."""
    names = list(run.study.axes)
    outputs = run.study.outputs
    apart = [
        output
        for output in outputs
        if np.quantile(solution.error(output), 0.95) > _ALIKE * np.ptp(solution.reference(output))
    ]
    each = 3 if apart else 2
    columns = 1 if style.narrow() else each
    tall = height(run, names, style.width() / columns)
    down = len(outputs) * each // columns
    made = style.figure(style.width(), tall * down + 1.9)
    wide = style.cells(columns, 2)
    grid = made.add_gridspec(down + 1, wide, height_ratios=[*[tall] * down, 1.9])
    panels = []
    for line, output in enumerate(outputs):
        exact, guess = solution.reference(output), solution.prediction(output)
        both = Normalize(min(exact.min(), guess.min()), max(exact.max(), guess.max()))
        shown: list[tuple[str, Array, dict[str, Any]]] = []
        if apart:
            shown.append((f"reference {output}*", exact, {"norm": both, "cmap": SIGNED}))
        shown.append((f"approximation {output}", guess, {"norm": both, "cmap": SIGNED}))
        scale = error_scale(headline_errors(run, output))
        shown.append((f"|{output} − {output}*|", solution.error(output), {"norm": scale, "cmap": MAGNITUDE}))
        step = wide // columns
        for place, (title, values, look) in enumerate(shown):
            at, left = divmod(line * each + place, columns)
            axis = made.add_subplot(grid[at, left * step : (left + 1) * step])
            image = field(axis, solution.points, names, values, **look)
            extend = "min" if look["norm"] is scale else "neither"
            made.colorbar(image, ax=axis, pad=0.02, extend=extend)
            axis.set_title(title)
            if left:
                axis.set_ylabel("")
            panels.append(axis)
    loss, error = (made.add_subplot(grid[-1, cell]) for cell in _halves(wide))
    text = training_panels(run, loss, error, solution.rows)
    style.letters([*panels, loss, error])
    if not apart:
        text = f"The reference looks like the approximation and is left out. {text}"
    return made, text


def _halves(wide: int) -> tuple[slice, slice]:
    return slice(0, wide // 2), slice(wide // 2, wide)


def _seen(error: Array, exact: Array) -> bool:
    """Whether a twentieth of the points or more has an error that can be told from the colours."""
    return bool(np.quantile(error, 0.95) > _ALIKE * np.ptp(exact))


def slice_panels(run: Run, solution: MedianSolution) -> tuple[Figure, str]:
    """Three axes and more: |u − u*| near slices of three, else by distance from the centre."""
    names = list(run.study.axes)
    output = run.study.outputs[0]
    flat = len(names) == 3
    narrow = style.narrow()  # then the slices are below each other, and the training below both
    columns = 1 if narrow else 3
    cuts = len(_SLICES) // columns if flat else 0
    tall = height(run, names[:2], style.width() / columns) if flat else 0.0
    rest = 2 if narrow else 1
    made = style.figure(style.width(), tall * cuts + 2.1 * rest)
    wide = 2 if narrow else 3
    grid = made.add_gridspec(cuts + rest, wide, height_ratios=[*[tall] * cuts, *[2.1] * rest])
    cell, *training = [grid[-2, :], grid[-1, 0], grid[-1, 1]] if narrow else [grid[-1, at] for at in range(3)]
    panels, text = [], ""
    if flat:
        step = wide // columns
        places = [divmod(place, columns) for place in range(len(_SLICES))]
        cells = [grid[line, left * step : (left + 1) * step] for line, left in places]
        panels = _slices(made, cells, run, solution, output)
        text = f"Slices hold the points within {said((_HALF) * _length(run, names[2]))} of the place named. "
        first = made.add_subplot(cell)
        _against(first, run, solution)
    else:
        first = made.add_subplot(cell)
        _by_distance(first, run, solution)
        text = (
            f"Distance: from the centre of the bounding box, of "
            f"{words.counted(len(solution.points), 'point')}. "
        )
    loss, error = (made.add_subplot(cell) for cell in training)
    text += training_panels(run, loss, error, solution.rows)
    style.letters([*panels, first, loss, error])
    return made, text


def _length(run: Run, name: str) -> float:
    low, high = run.study.axes[name]
    return high - low


def _slices(made: Figure, cells: list[Any], run: Run, solution: MedianSolution, output: str) -> list[Axes]:
    names = list(run.study.axes)
    low, _ = run.study.axes[names[2]]
    scale = error_scale(headline_errors(run, output))
    panels, image = [], None
    for cell, share in zip(cells, _SLICES, strict=True):
        place = low + share * _length(run, names[2])
        near = (solution.points[names[2]] - place).abs().to_numpy() <= _HALF * _length(run, names[2])
        axis = made.add_subplot(cell)
        points = solution.points[near]
        image = field(axis, points, names[:2], solution.error(output)[near], norm=scale, cmap=MAGNITUDE)
        axis.set_title(f"{names[2]} ≈ {said(place)}")
        if cell.colspan.start:
            axis.set_ylabel("")
        panels.append(axis)
    if image is not None:
        made.colorbar(image, ax=panels, pad=0.02, extend="min", label=f"|{output} − {output}*|")
    return panels


def _by_distance(axis: Axes, run: Run, solution: MedianSolution) -> None:
    """|u − u*| against the distance from the domain's centre: towards its boundary, to the right."""
    names = list(run.study.axes)
    centre = np.array([sum(run.study.axes[name]) / 2 for name in names])
    away = np.linalg.norm(solution.points[names].to_numpy() - centre, axis=1)
    for place, output in enumerate(run.study.outputs):
        colour = style.PALETTE[place % len(style.PALETTE)]
        axis.scatter(
            away, solution.error(output), s=3, linewidths=0, color=colour, label=output, rasterized=True
        )
    first = run.study.outputs[0] if len(run.study.outputs) == 1 else "u"
    axis.set(yscale="log", xlabel=f"distance from the centre {UNIT}", ylabel=f"|{first} − {first}*|")
    if len(run.study.outputs) > 1:
        axis.legend()


def _against(axis: Axes, run: Run, solution: MedianSolution) -> None:
    """The approximation against the reference."""
    for place, output in enumerate(run.study.outputs):
        exact, guess = solution.reference(output), solution.prediction(output)
        colour = style.PALETTE[place % len(style.PALETTE)]
        axis.scatter(exact, guess, s=3, linewidths=0, color=colour, label=output, rasterized=True)
    axis.axline((0, 0), slope=1, color=style.BLACK, linewidth=0.6)
    axis.set(xlabel=f"reference {UNIT}", ylabel=f"approximation {UNIT}")
    if len(run.study.outputs) > 1:
        axis.legend()
