"""Does a lower loss mean a lower error?  One dot a replicate."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from analysis import arms
from analysis.fates import NOT_SOLVED
from analysis.load import Run
from analysis.plots import style
from analysis.plots.findings import said
from analysis.plots.looks import legend, legend_title, looks
from analysis.statistics import rank_correlation
from analysis.tables.rounding import interval
from analysis.tables.runs import loss_and_error
from studies.records import words


def loss_and_error_figure(run: Run) -> Figure | None:
    """Error against the last training loss, degenerate replicates ringed."""
    values = loss_and_error(run)
    shown = values[np.isfinite(values["loss"]) & np.isfinite(values["score"])]
    energies = bool((shown["loss"] < 0).any())
    shown = shown if energies else shown[shown["loss"] > 0]
    if len(shown) < 3:
        return None
    made = style.figure(style.width(style.ONE_COLUMN), 2.5)
    axis = made.subplots()
    handles: list[Any] = []
    labels: list[str] = []
    if run.study.kind == "ablation":
        arm_looks = looks(run.study, list(arms.arm_rows(run)))
        for name, look in arm_looks.items():
            of_arm = shown[shown["arm"] == name]
            axis.scatter(of_arm["loss"], of_arm["score"], s=12, color=look.color, marker=look.marker)
        handles, labels = legend(arm_looks, marks=True)
    else:
        for status, mark in style.STATUS.items():
            of_status = shown[shown["status"] == status]
            if len(of_status):
                axis.scatter(of_status["loss"], of_status["score"], s=12, label=status, **mark)
    ringed = shown[shown["degenerate"]]
    if len(ringed):
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": style.VERMILION, "linewidths": 0.7}
        axis.scatter(ringed["loss"], ringed["score"], s=42, label="degenerate", **ring)
    axis.set(
        xscale="linear" if energies else "log",
        yscale="log" if (shown["score"] > 0).any() else "linear",
        ylabel=f"{run.metric_name} (nondimensional)",
    )
    axis.set_xlabel("training loss, last iteration")
    more = style.entries([axis])  # statuses and rings
    handles, labels = [*handles, *more[0]], [*labels, *more[1]]
    title = legend_title(run.study, marks=True) if run.study.kind == "ablation" else ""
    style.legend(made, handles, labels, title=title, at="center")
    point, low, high = rank_correlation(values["loss"], values["score"])
    lost = int(np.isinf(values["score"]).sum())
    fate = f"{lost} diverged (ranked last, not shown)" if lost else "none diverged"
    text = f"{run.study.name}: n = {words.counted(len(values), 'replicate')}, {fate}."
    text += f" Spearman's ρ = {interval(point, low, high)}."
    if len(ringed):
        text += f" Rings: {len(ringed)} degenerate (ended; the loss fell and converged;"
        text += f" relative L² error above {NOT_SOLVED:g})."
    style.explain(made, _said(run.noun, point, low, high), text)
    return made


def _said(noun: str, point: float, low: float, high: float) -> str:
    """What a rank correlation with its interval allows to say."""
    if not np.isnan(point) and np.isnan([low, high]).any():  # all in one order: no interval
        return f"Loss and {noun}: Spearman's ρ is {said(point)}, of which no interval can be given"
    if np.isnan(point) or low <= 0 <= high:
        return f"These replicates do not tell whether a lower loss means a lower {noun}"
    return f"A lower loss goes with a {'lower' if point > 0 else 'higher'} {noun}"
