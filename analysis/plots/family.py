"""The error of a family of problems along its parameter."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.family import every_headline, said
from analysis.load import Run
from analysis.plots import style
from analysis.plots.solved import UNIT


def error_along(run: Run, parameter: str) -> Figure | None:
    """The relative L² error in each part of a parameter's range, a line for each headline."""
    drawn = [(name, errors) for name, varied, errors in every_headline(run) if varied == parameter]
    if not drawn:
        return None
    made = style.figure(style.width(), 2.4)
    axis = made.subplots()
    for place, (name, errors) in enumerate(drawn):
        colour = style.PALETTE[place % len(style.PALETTE)]
        edges = np.append(errors["lower"].to_numpy(), errors["upper"].iloc[-1])
        middle, low, high = (
            np.append(errors[key], errors[key].iloc[-1]) for key in ("rel_l2", "least", "greatest")
        )
        top = np.where(np.isinf(high), middle, high)
        axis.fill_between(edges, low, top, step="post", color=colour, alpha=0.2, linewidth=0)
        axis.step(edges, middle, where="post", color=colour, label=name)
    axis.set(xlabel=f"{parameter} {UNIT}", ylabel="relative L² error", yscale="log")
    if len(drawn) > 1:
        style.legend(made, *style.entries([axis]))
    name, errors = drawn[0]
    text = (
        f"{run.study.problem}: relative L² error of the points in each part of the range of {parameter}; "
        "line: median of the replicates, band: all of them"
    )
    text += ", cut off at the median where some diverged." if _any_diverged(drawn) else "."
    style.explain(made, f"{name}: {said(errors, parameter)}", text)
    return made


def _any_diverged(drawn: list[tuple[str, pd.DataFrame]]) -> bool:
    return any(np.isinf(errors["greatest"]).any() for _, errors in drawn)
