"""Learning curves of an ablation: the first iterations with an inset, and whole runs at equal budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis import arms, scores
from analysis.arms import arm_said
from analysis.curves import Curve, arm_curves, band, thinned
from analysis.load import Run
from analysis.plots import style
from analysis.plots.bands import draw_band, limit
from analysis.plots.findings import best_arm
from analysis.plots.looks import ArmLook, legend, legend_title, looks, name_ends, titles
from studies.records import words

FIRST = 1000
INSET = {False: 50, True: 100}
"""Iterations shown, and those in the inset without and with panels (Detorakis, figures 9 and 10)."""

CUT = ", cut off at the median where replicates diverged"

AXES = {
    "iterations": "iterations (optimizer steps)",
    "points": "training points seen",
    "seconds": "training time (s)",
}

_NAMED = 14
"""Lines whose names have room beside the panels."""


FEW = 5
"""Lines that a panel can hold: more are drawn in a panel each, the others behind it in grey."""


def first_iterations(run: Run) -> Figure | None:
    """Loss over the first iterations, with an inset of the very first; panels by a factor, or an arm each."""
    rows = arms.arm_rows(run)
    curves = arm_curves(run, "loss", until=FIRST)
    if not curves:
        return None
    shown = {name: thinned(curve, bins=100, spacing="linear") for name, curve in curves.items()}
    low = [edge for curve in shown.values() for edge in band(curve.values)]
    common = int(min(curve.iterations[-1] for curve in curves.values()))
    lowest = arm_said(run.study, _lowest(curves, common))
    title = f"{lowest} has the lowest loss after {words.counted(common, 'iteration')}"
    lines = "median over replicates (of up to 10 iterations each)"
    look = looks(run.study, list(curves))
    if _many(look):
        made = small_multiples(run, shown, low, ylabel="training loss", log=False)
        text = f"{_caption(run, rows)} Line and band: {lines} and its interval{CUT}."
        style.explain(made, title, f"{text} {_behind(run)}")
        return made
    panels = list(dict.fromkeys(arm_look.panel for arm_look in look.values()))
    made, axes = _panels(len(panels))
    longest = int(max(curve.iterations[-1] for curve in curves.values()))
    inset = min(INSET[len(panels) > 1], max(2, longest // 5))
    for axis, panel in zip(axes, panels, strict=False):
        panel_curves = {name: curve for name, curve in curves.items() if look[name].panel == panel}
        _curves(axis, {name: shown[name] for name in panel_curves}, look)
        axis.set(xlabel=AXES["iterations"], ylabel="training loss")
        if panel is not None:
            axis.set_title(f"{titles(run.study)[1]}: {panel}")
        _inset(axis, panel_curves, look, inset)
    limit(axes[0], low, room=1.3)
    bottom, top = axes[0].get_ylim()
    if axes[0].get_yscale() == "log":
        axes[0].set_ylim(bottom, top * (top / bottom) ** 0.9)  # the insets' place
    else:
        axes[0].set_ylim(bottom, top + 0.9 * (top - bottom))
    _finish(made, axes, panels, run)
    text = f"{_caption(run, rows)} Lines: {lines}; bands: its interval{CUT}."
    style.explain(made, title, f"{text} Inset: the first {words.counted(inset, 'iteration')}, every one.")
    return made


def equal_budgets(run: Run) -> Figure | None:
    """Loss and error against iterations, training points seen and seconds: a column for each budget."""
    rows = arms.arm_rows(run)
    labels = {"loss": "training loss", "score": run.metric_name}
    curves = {
        key: {name: thinned(curve, bins=60) for name, curve in arm_curves(run, key).items()} for key in labels
    }
    if not curves["loss"]:
        return None
    look = looks(run.study, list(rows))
    narrow = style.narrow()  # then a line for each budget, else a column
    direct = len(rows) <= _NAMED and not narrow
    made = style.figure(style.width(), 5.6 if narrow else 4.4)
    if narrow:
        grid = made.subplots(3, 2, sharey="col", sharex="row").T
    else:
        grid = made.subplots(2, 3, sharey="row", sharex="col")
    for line, (column, label) in zip(grid, labels.items(), strict=True):
        for axis, budget in zip(line, AXES, strict=True):
            for name, curve in curves[column].items():
                middle, _, _ = band(curve.values)
                shown = np.where(np.isfinite(middle), middle, np.nan)
                axis.plot(curve.spent(budget), shown, linewidth=0.8, **look[name].curve())
            axis.set_xscale("log")
        limit(line[0], [band(curve.values)[0] for curve in curves[column].values()])
        if narrow:
            line[0].set_title(label)
        else:
            line[0].set_ylabel(f"{label} (nondimensional)")
        if direct and column == "score" and curves[column]:
            name_ends(line[-1], {name: arm_look for name, arm_look in look.items() if name in curves[column]})
    for line in grid if narrow else grid[1:]:
        for axis, budget in zip(line, AXES, strict=True):
            axis.set_xlabel(AXES[budget])
    style.letters(list((grid.T if narrow else grid).flat))
    if not direct:
        style.legend(
            made, *legend(look, marks=False), title=legend_title(run.study, marks=False), at="center"
        )
    k = run.study.replicates
    together = " trained together" if k > 1 else ""
    text = f"{_caption(run, rows)} Lines: median over replicates; a line ends where half of them diverged."
    style.explain(
        made, best_arm(run), f"{text} Seconds are those of {words.counted(k, 'replicate')}{together}."
    )
    return made


def error_curves(run: Run) -> Figure | None:
    """The error while training with its band over seeds, panels by a factor, or an arm each."""
    rows = arms.arm_rows(run)
    curves = arm_curves(run, "score")
    if not curves:
        return None
    look = looks(run.study, list(curves))
    shown = {name: thinned(curve, bins=120) for name, curve in curves.items()}
    every = [curve.values for curve in curves.values()]
    text = f"{_caption(run, rows)} Line and band: median over replicates and its interval{CUT}."
    if _many(look):
        made = small_multiples(run, shown, every, ylabel=run.metric_name, log=True)
        style.explain(made, best_arm(run), f"{text} {_behind(run)}")
        return made
    panels = list(dict.fromkeys(arm_look.panel for arm_look in look.values()))
    made, axes = _panels(len(panels))
    for axis, panel in zip(axes, panels, strict=False):
        _curves(axis, {name: curve for name, curve in shown.items() if look[name].panel == panel}, look)
        axis.set(xscale="log", xlabel=AXES["iterations"], ylabel=f"{run.metric_name} (nondimensional)")
        if panel is not None:
            axis.set_title(f"{titles(run.study)[1]}: {panel}")
    limit(axes[0], every)
    _finish(made, axes, panels, run)
    style.explain(made, best_arm(run), text)
    return made


def _many(look: Mapping[str, ArmLook]) -> bool:
    """Whether a panel would hold more lines than an eye can follow."""
    return max(Counter(drawn.panel for drawn in look.values()).values()) > FEW


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """Panels in two columns at most, with shared scales."""
    columns = style.beside(min(count, 2))
    lines = -(-count // columns)
    width = style.ONE_COLUMN if count == 1 else style.TWO_COLUMNS
    made = style.figure(style.width(width), 0.6 + 2.2 * lines)
    return made, list(made.subplots(lines, columns, sharey=True, squeeze=False).flat)


def _lowest(curves: Mapping[str, Curve], until: int) -> str:
    """The arm whose median is lowest at an iteration that all have reached."""
    ends = {}
    for name, curve in curves.items():
        early = curve.iterations <= until
        part = Curve(curve.iterations[early], curve.values[early], curve.cost)
        ends[name] = float(_middle(thinned(part, bins=100, spacing="linear"))[-1])
    return min(ends, key=lambda name: np.nan_to_num(ends[name], nan=np.inf))


def _curves(axis: Axes, curves: Mapping[str, Curve], look: Mapping[str, ArmLook]) -> None:
    for name, curve in curves.items():
        shade = {"label": look[name].label, "color": look[name].color}
        draw_band(axis, curve.iterations, *band(curve.values), alpha=0.12, **shade)


def _finish(made: Figure, axes: list[Axes], panels: list[str | None], run: Run) -> None:
    """Letters, outer labels and a legend for the panels in use; the others are removed."""
    used = axes[: len(panels)]
    for axis in used:
        axis.label_outer()
    for axis in axes[len(panels) :]:
        axis.remove()
    if len(panels) > 1:
        style.letters(used)
    style.legend(made, *style.entries(used), title=titles(run.study)[0], at="center")


def _inset(axis: Axes, curves: Mapping[str, Curve], look: Mapping[str, ArmLook], until: int) -> None:
    """The first iterations one by one, in the upper right, where falling curves leave room."""
    inset = axis.inset_axes((0.42, 0.60, 0.56, 0.38))
    for name, curve in curves.items():
        early = curve.iterations <= until
        middle, _, _ = band(curve.values[early])
        shown = np.where(np.isfinite(middle), middle, np.nan)
        inset.plot(curve.iterations[early], shown, color=look[name].color, linewidth=0.8)
    limit(inset, [band(curve.values[curve.iterations <= until])[0] for curve in curves.values()], room=1.3)
    inset.set_xlim(1, until)
    inset.tick_params(labelsize=6, length=2)
    inset.patch.set_alpha(0.9)


def _caption(run: Run, rows: Mapping[str, pd.DataFrame]) -> str:
    counts = [len(scores.errors(trials)) for trials in rows.values()]
    lost = sum(scores.count(trials, "diverged") for trials in rows.values())
    n = words.counted_between(min(counts), max(counts), "replicate")
    rates = {"shared": "one learning rate for all", "tuned": "learning rate tuned for each"}
    return f"{run.study.name}: n = {n} an arm, {lost} diverged, {rates[run.study.learning_rates]}."


def small_multiples(
    run: Run, shown: Mapping[str, Curve], every: Iterable[np.ndarray], *, ylabel: str, log: bool
) -> Figure:
    """A panel for each arm with its band, all other arms behind it in grey and the baseline dashed."""
    columns = style.beside(4)
    lines = -(-len(shown) // columns)
    made = style.figure(style.width(), 0.3 + 1.15 * lines)
    axes = list(made.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    middles = {name: _middle(curve) for name, curve in shown.items()}
    base = str(run.study.baseline)
    for place, (axis, (name, curve)) in enumerate(zip(axes, shown.items(), strict=False)):
        grey = [
            np.column_stack([shown[other].iterations, line])
            for other, line in middles.items()
            if other != name
        ]
        axis.add_collection(LineCollection(grey, colors="0.85", linewidths=0.5, zorder=0))
        if base in shown and base != name:
            axis.plot(shown[base].iterations, middles[base], color=style.BLACK, linestyle="--", linewidth=0.6)
        draw_band(axis, curve.iterations, *band(curve.values), alpha=0.3, color=style.BLUE)
        axis.set_title(name.replace(", ", ",\n") + (" (baseline)" if name == base else ""), fontsize=7)
        below = place + columns >= len(shown)
        axis.xaxis.set_tick_params(labelbottom=below)
        if log:
            axis.set_xscale("log")
    limit(axes[0], every, room=1.3)
    for axis in axes[len(shown) :]:
        axis.remove()
    made.supylabel(ylabel, fontsize=8)
    bottom = axes[min(len(shown) - 1, columns * (lines - 1))]
    bottom.set_xlabel(AXES["iterations"], loc="left")
    return made


def _middle(curve: Curve) -> np.ndarray:
    middle, _, _ = band(curve.values)
    return np.where(np.isfinite(middle), middle, np.nan)


def _behind(run: Run) -> str:
    """What a panel of `small_multiples` is of."""
    colour, panel = titles(run.study)
    said = f"{colour}{', ' if colour and panel else ''}{panel}"
    text = "Grey: the other arms; dashed: the baseline."
    return f"A panel for each {said}. {text}" if said else text
