"""Figures of solutions: one setting's with its training, and those of an ablation's arms side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from analysis import scores
from analysis.arms import arm_rows
from analysis.load import Run
from analysis.plots import style
from analysis.plots.fields import directions, field, field_panels, height, slice_panels
from analysis.plots.findings import best_arm, said
from analysis.plots.lines import alone_panels, line_panels
from analysis.plots.solved import (
    MAGNITUDE,
    MedianSolution,
    error_limits,
    error_scale,
    headline,
    headline_errors,
    solved,
)
from studies.records import words


def solution(run: Run, name: str) -> Figure | None:
    """The solution of one headline as the problem's dimension allows, with its training."""
    median_solution = headline(run, name)
    if median_solution is None:
        return None
    if not run.has_reference:
        drawn = alone_panels
    else:
        drawn = {1: line_panels, 2: field_panels}.get(len(run.study.axes), slice_panels)
    made, text = drawn(run, median_solution)
    style.explain(made, _finding(run, median_solution), f"{_caption(run, median_solution)} {text}")
    return made


def gallery(run: Run, limit_arms: int = 24) -> Figure | None:
    """|u − u*| of an ablation's arms on one scale, for one or two inputs: their solutions look alike."""
    names = list(run.study.axes)
    output = run.study.outputs[0]
    every = [solved(run, name, rows) for name, rows in arm_rows(run).items()]
    known = [shown for shown in every if shown is not None]
    solutions = known[:limit_arms]
    if not solutions or len(names) > 2 or not run.has_reference:
        return None
    columns = style.beside(min(4, len(solutions)))
    lines = -(-len(solutions) // columns)
    tall = height(run, names, (style.width() - 0.4) / columns + 0.6) if len(names) == 2 else 1.6
    made = style.figure(style.width(), 0.2 + min(tall, 1.6) * lines)
    axes = list(made.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    errors = [shown.error(output) for shown in solutions]
    scale, image = error_scale(errors), None
    across, up = directions(names) if len(names) == 2 else (names[0], f"|{output} − {output}*|")
    for axis, shown, error in zip(axes, solutions, errors, strict=False):
        axis.set_title(_title(shown.name), fontsize=style.CAPTION)
        if len(names) == 2:
            image = field(axis, shown.points, names, error, norm=scale, cmap=MAGNITUDE)
        else:
            points = shown.points.assign(error=np.where(error > 0, error, np.nan)).sort_values(names[0])
            axis.plot(points[names[0]], points["error"], color=style.VERMILION)
            axis.set(yscale="log", ylim=error_limits(errors))
        axis.set(xlabel=across, ylabel=up)
        axis.label_outer()
    for place, axis in enumerate(axes):
        if place >= len(solutions):
            axis.remove()
        elif place + columns >= len(solutions):  # nothing below it
            axis.xaxis.set_tick_params(labelbottom=True)
            axis.set_xlabel(across)
    if image is not None:
        bar: dict[str, Any] = {"pad": 0.01, "label": f"|{output} − {output}*|", "extend": "min", "aspect": 40}
        made.colorbar(image, ax=axes[: len(solutions)], **bar)
    text = (
        f"{run.study.name}: error of {output} of the median replicate of each arm, "
        f"n = {_counts(solutions)} each."
    )
    if len(known) > len(solutions):
        text += f" The first {words.share(len(solutions), len(known), 'arm')}."
    style.explain(made, best_arm(run), f"{text} One scale for all; axes are nondimensional.")
    return made


_WIDE = 16
"""Characters of an arm's name that fit above its panel."""


def _title(arm: str) -> str:
    return arm if len(arm) <= _WIDE else arm.replace(", ", ",\n")


def _counts(solutions: list[MedianSolution]) -> str:
    counts = [len(shown.rows) for shown in solutions]
    return words.counted_between(min(counts), max(counts), "replicate")


def _finding(run: Run, median_solution: MedianSolution) -> str:
    """The largest error and where it lies."""
    role = f"{run.study.problem}, {median_solution.name}"
    if not run.has_reference:
        return f"{role}: the approximation, of which no reference is known"
    output = max(run.study.outputs, key=lambda name: float(median_solution.error(name).max()))
    error = median_solution.error(output)
    names = list(run.study.axes)
    text = f"{role}: the largest |{output} − {output}*| is {said(float(error.max()))}"
    if len(names) > 3:
        return text
    worst = median_solution.points.iloc[int(np.argmax(error))]
    return f"{text}, at {', '.join(f'{name} = {said(float(worst[name]))}' for name in names)}"


def _caption(run: Run, median_solution: MedianSolution) -> str:
    mae = scores.errors(median_solution.rows)
    lost = int(np.isinf(mae).sum())
    role = median_solution.name
    n = words.counted(len(mae), "replicate")
    # Two replicates have a median between them, which neither of them drew.
    middle = "median" if len(mae) % 2 else "the better of the middle two"
    text = f"{run.study.problem}, {role}: {middle} of n = {n} by {run.metric_name}"
    text += f" ({run.metric_name} {said(float(np.sort(mae)[(len(mae) - 1) // 2]))}), {lost} diverged."
    shared = len(headline_errors(run, run.study.outputs[0])) > 1 if run.has_reference else False
    return text + (" Winner and baseline share the scale of the error." if shared else "")
