"""Solutions over one axis, every replicate a line; and solutions without a reference."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.load import Run
from analysis.plots import style
from analysis.plots.course import training_panels
from analysis.plots.fields import field
from analysis.plots.solved import SIGNED, UNIT, MedianSolution, error_limits, headline_errors


def line_panels(run: Run, solution: MedianSolution) -> tuple[Figure, str]:
    """One axis: a panel for each output, |u − u*| of all of them, and the training."""
    (name,) = run.study.axes
    outputs = run.study.outputs
    made, axes = _grid(len(outputs) + 1)
    points = solution.points.sort_values(name)
    difference = axes[len(outputs)]
    for place, (axis, output) in enumerate(zip(axes, outputs, strict=False)):
        colour = style.PALETTE[place % len(style.PALETTE)]
        x = points[name]
        exact, guess = (
            points[f"{kind}_{output}"].to_numpy(dtype=float) for kind in ("reference", "prediction")
        )
        _replicates(axis, solution, name, output, colour)
        axis.plot(x, exact, color=style.BLACK, linewidth=1.6, label="reference")
        label = "approximation" if len(outputs) == 1 else f"approximation of {output}"
        axis.plot(x, guess, color=colour, linestyle="--", linewidth=1.2, label=label)
        axis.set(xlabel=f"{name} {UNIT}", ylabel=f"{output} {UNIT}", title=output)
        apart = np.abs(guess - exact)
        difference.semilogy(x, np.where(apart > 0, apart, np.nan), color=colour, label=output)
    shown = style.entries(axes[: len(outputs)])
    style.legend(made, *shown)
    labels = ", ".join(f"|{output} − {output}*|" for output in outputs)
    difference.set(xlabel=f"{name} {UNIT}", ylabel="absolute error", title=labels)
    difference.set_ylim(*error_limits([line for output in outputs for line in headline_errors(run, output)]))
    if len(outputs) > 1:
        difference.legend()
    text = training_panels(run, axes[-2], axes[-1], solution.rows)
    style.letters(axes[: len(outputs) + 3])
    thin = " Thin lines: all replicates." if len(solution.rows) > 1 else ""
    return made, f"{text}{thin}"


def alone_panels(run: Run, solution: MedianSolution) -> tuple[Figure, str]:
    """Without a reference: the approximation of each output, over one or two inputs, and the training."""
    names, outputs = list(run.study.axes), run.study.outputs if len(run.study.axes) <= 2 else []
    made, axes = _grid(len(outputs))
    for axis, output in zip(axes, outputs, strict=False):
        if len(names) == 2:
            image = field(axis, solution.points, names, solution.prediction(output), cmap=SIGNED)
            made.colorbar(image, ax=axis)
        else:
            _replicates(axis, solution, names[0], output, style.BLUE, width=0.6)
            axis.set(xlabel=f"{names[0]} {UNIT}", ylabel=f"{output} {UNIT}")
        axis.set_title(f"approximation {output}")
    text = training_panels(run, axes[-2], axes[-1], solution.rows)
    style.letters(axes[: len(outputs) + 2])
    return made, text


def _replicates(
    axis: Axes, solution: MedianSolution, name: str, output: str, colour: str, width: float = 0.4
) -> None:
    for _, replicate in solution.every.groupby(["trial", "replicate"]):
        points = replicate.sort_values(name)
        axis.plot(points[name], points[f"prediction_{output}"], color=colour, linewidth=width, alpha=0.4)


def _grid(panels: int) -> tuple[Figure, list[Axes]]:
    """So many panels, three in a line at most, and under them two for the training."""
    columns = max(1, style.beside(min(panels, 3)))
    lines = -(-panels // columns)
    made = style.figure(style.width(), 0.3 + 1.9 * (lines + 1))
    wide = style.cells(columns, 2)
    grid = made.add_gridspec(lines + 1, wide)
    step = wide // columns
    places = [(at // columns, (at % columns) * step) for at in range(panels)]
    axes = [made.add_subplot(grid[line, left : left + step]) for line, left in places]
    half = wide // 2
    return made, [*axes, made.add_subplot(grid[-1, :half]), made.add_subplot(grid[-1, half:])]
