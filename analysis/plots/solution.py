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
    found = headline(run, name)
    if found is None:
        return None
    if not run.has_reference:
        drawn = alone_panels
    else:
        drawn = {1: line_panels, 2: field_panels}.get(len(run.study.axes), slice_panels)
    made, text = drawn(run, found)
    style.explain(made, _finding(run, found), f"{_caption(run, found)} {text}")
    return made


def gallery(run: Run, limit_arms: int = 15) -> Figure | None:
    """|u − u*| of an ablation's arms on one scale, for one or two inputs: their solutions look alike."""
    names = list(run.study.axes)
    output = run.study.outputs[0]
    every = [solved(run, name, rows) for name, rows in arm_rows(run).items()]
    known = [one for one in every if one is not None]
    found = known[:limit_arms]
    if not found or len(names) > 2 or not run.has_reference:
        return None
    columns = style.beside(min(4, len(found)))
    lines = -(-len(found) // columns)
    tall = height(run, names, (style.width() - 0.4) / columns + 0.6) if len(names) == 2 else 1.6
    made = style.figure(style.width(), 0.2 + min(tall, 1.6) * lines)
    axes = list(made.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    errors = [one.error(output) for one in found]
    scale, image = error_scale(errors), None
    across, up = directions(names) if len(names) == 2 else (names[0], f"|{output} − {output}*|")
    for axis, one, error in zip(axes, found, errors, strict=False):
        axis.set_title(one.name.replace(", ", ",\n"), fontsize=style.CAPTION)
        if len(names) == 2:
            image = field(axis, one.points, names, error, norm=scale, cmap=MAGNITUDE)
        else:
            own = one.points.assign(error=np.where(error > 0, error, np.nan)).sort_values(names[0])
            axis.plot(own[names[0]], own["error"], color=style.VERMILION)
            axis.set(yscale="log", ylim=error_limits(errors))
        axis.set(xlabel=across, ylabel=up)
        axis.label_outer()
    for place, axis in enumerate(axes):
        if place >= len(found):
            axis.remove()
        elif place + columns >= len(found):  # nothing below it
            axis.xaxis.set_tick_params(labelbottom=True)
            axis.set_xlabel(across)
    if image is not None:
        bar: dict[str, Any] = {"pad": 0.01, "label": f"|{output} − {output}*|", "extend": "min", "aspect": 40}
        made.colorbar(image, ax=axes[: len(found)], **bar)
    text = (
        f"{run.study.name}: error of {output} of the median replicate of each arm, n = {_counts(found)} each."
    )
    if len(known) > len(found):
        text += f" The first {words.share(len(found), len(known), 'arm')}."
    style.explain(made, best_arm(run), f"{text} One scale for all; axes are nondimensional.")
    return made


def _counts(found: list[MedianSolution]) -> str:
    counts = [len(one.rows) for one in found]
    return words.counted_between(min(counts), max(counts), "replicate")


def _finding(run: Run, found: MedianSolution) -> str:
    """The largest error and where it lies."""
    role = f"{run.study.problem}, {found.name}"
    if not run.has_reference:
        return f"{role}: the approximation, of which no reference is known"
    output = max(run.study.outputs, key=lambda one: float(found.error(one).max()))
    error = found.error(output)
    names = list(run.study.axes)
    text = f"{role}: the largest |{output} − {output}*| is {said(float(error.max()))}"
    if len(names) > 3:
        return text
    worst = found.points.iloc[int(np.argmax(error))]
    return f"{text}, at {', '.join(f'{name} = {said(float(worst[name]))}' for name in names)}"


def _caption(run: Run, found: MedianSolution) -> str:
    mae = scores.errors(found.rows)
    lost = int(np.isinf(mae).sum())
    role = found.name
    n = words.counted(len(mae), "replicate")
    text = f"{run.study.problem}, {role}: median of n = {n} by {run.metric_name}"
    text += f" ({run.metric_name} {said(float(np.sort(mae)[(len(mae) - 1) // 2]))}), {lost} diverged."
    shared = len(headline_errors(run, run.study.outputs[0])) > 1 if run.has_reference else False
    return text + (" Winner and baseline share the scale of the error." if shared else "")
