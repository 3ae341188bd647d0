"""Figures of a search: its course, its trials, its settings and its early stopping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis import scores
from analysis.arms import key_name, level_name
from analysis.curves import band, trial_curves
from analysis.load import Run
from analysis.plots import style
from studies.records import CONFIG
from studies.records.intervals import median_interval

MAE = "MAE (nondimensional)"


def best_so_far(run: Run) -> Figure | None:
    """The best score so far against trials ended and against seconds, with every trial's score."""
    trials = scores.trial_scores(run.phase("search"))
    trials = trials[trials["status"].isin(scores.COUNTED) & trials["score"].notna()]
    if not np.isfinite(trials["score"]).any():
        return None
    best = np.minimum.accumulate(trials["score"].to_numpy())
    made = style.figure(style.TWO_COLUMNS, 2.6)
    axes = made.subplots(1, 2, sharey=True)
    ends = scores.numbers(trials["ended"])
    for axis, x in zip(axes, (np.arange(1, len(trials) + 1), ends), strict=True):
        axis.step(x, best, where="post", color=style.BLACK, label="best so far")
        _points(axis, x, trials)
        axis.set_yscale("log")
    _reference(run, axes[0])
    _reference(run, axes[1])
    axes[0].set(xlabel="trials ended", ylabel=MAE)
    axes[1].set(xlabel="time since the study began (s)")
    style.integers(axes[0])
    style.letters(axes)
    made.legend(*style.entries(axes), loc="outside upper right", ncols=5)
    style.caption(made, _caption(run, trials) + _diverged_note(trials))
    return made


def learning_curves(run: Run) -> Figure | None:
    """Every trial's error while it trained, stopped ones marked at their rung."""
    rows = run.phase("search")
    trials = scores.trial_scores(rows)
    trials = trials[trials["status"].isin(style.STATUS)]
    made = style.figure(style.TWO_COLUMNS, 3.4)
    axis = made.subplots()
    for rung in run.study.scheduler.get("rungs", []):
        axis.axvline(rung, color="0.85", linewidth=0.6, zorder=0)
    lines: dict[str, list[np.ndarray]] = {}
    best = _best(trials)
    found = trial_curves(run, rows, "mae")
    for trial, status in zip(trials["trial"], trials["status"], strict=True):
        if trial not in found:
            continue
        one = found[trial]
        middle, _, _ = band(one.values)
        finite = np.isfinite(middle)
        if not finite.any():
            continue
        line = np.column_stack([one.iterations[finite], middle[finite]])
        lines.setdefault(str(status), []).append(line)
        if trial == best:
            axis.plot(*line.T, color=style.BLACK, linewidth=1.6, zorder=4, label="best trial")
    if not lines:
        return None
    for status, own in lines.items():
        look = style.STATUS[status]
        # One artist for all lines and one for all ends: those of thousands of trials take minutes to lay out.
        axis.add_collection(LineCollection(own, colors=look["color"], linewidths=0.7, alpha=0.6, zorder=2))
        x, y = np.array([line[-1] for line in own]).T
        axis.scatter(x, y, s=16, zorder=5, label=status, **look)
    axis.set(xscale="log", yscale="log", xlabel=key_name("iterations"), ylabel=MAE)
    made.legend(*style.entries([axis]), loc="outside upper right", ncols=5)
    note = "Each line is one trial; a marker is its last measurement, a triangle one before it diverged."
    if run.study.scheduler.get("rungs"):
        note += " Vertical lines: rungs of the early stopping."
    style.caption(made, f"{_caption(run, trials)} {note}")
    return made


def hyperparameters(run: Run) -> Figure | None:
    """The error against each setting searched over."""
    trials = scores.trial_scores(run.phase("search"))
    trials = trials[trials["status"].isin(scores.COUNTED) & trials["score"].notna()]
    keys = [key for key in run.study.space if CONFIG + key in trials]
    if not keys or not np.isfinite(trials["score"]).any():
        return None
    columns = min(3, len(keys))
    lines = math.ceil(len(keys) / columns)
    made = style.figure(style.TWO_COLUMNS if columns > 1 else style.ONE_COLUMN, 0.6 + 2.0 * lines)
    grid = made.subplots(lines, columns, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for axis, key in zip(axes, keys, strict=False):
        _points(axis, _positions(axis, trials[CONFIG + key], run.study.space[key]), trials)
        axis.set(xlabel=key_name(key), yscale="log")
    for axis in axes[len(keys) :]:
        axis.remove()
    for line in grid:
        line[0].set_ylabel(MAE)
    made.legend(*style.entries(axes[: len(keys)]), loc="outside upper right", ncols=5)
    style.caption(made, _caption(run, trials) + _diverged_note(trials))
    return made


def early_stopping(run: Run) -> Figure | None:
    """Each look of the early stopping: the score on the rung beside the cutoff it had to beat."""
    looks = run.decisions.dropna(subset=["score", "rung"])
    if looks.empty:
        return None
    rungs = sorted(looks["rung"].unique())
    made = style.figure(style.TWO_COLUMNS, 2.8)
    axis = made.subplots()
    known = scores.numbers(looks["score"])
    looks = looks.assign(shown=_at_edge(known))
    for place, rung in enumerate(rungs):
        own = looks[looks["rung"] == rung].sort_values(["recorded", "elapsed"])
        x = place + np.linspace(-0.4, 0.4, len(own) + 2)[1:-1]
        score, cutoff = own["shown"].to_numpy(), scores.numbers(own["cutoff"])
        cutoff = np.where(np.isinf(cutoff), np.nan, cutoff)
        stopped = own["stopped"].fillna(False).to_numpy(dtype=bool)
        half = 0.4 / (len(own) + 1)
        axis.hlines(cutoff, x - half, x + half, color=style.BLACK, linewidth=1.2, label="cutoff", zorder=3)
        for mask, status, label in ((~stopped, "completed", "went on"), (stopped, "stopped", "stopped")):
            look = style.STATUS[status]
            axis.scatter(x[mask], score[mask], s=16, label=label, **look)
        if place:
            axis.axvline(place - 0.5, color="0.85", linewidth=0.6, zorder=0)
    axis.set_xticks(range(len(rungs)), [f"{rung:,}".replace(",", " ") for rung in rungs])
    axis.set(xlim=(-0.5, len(rungs) - 0.5), yscale="log", ylabel="score on the rung (MAE)")
    axis.set_xlabel("rung (optimizer steps); within a rung, trials in the order they reached it")
    made.legend(*style.entries([axis]), loc="outside upper right", ncols=3)
    missing = int(looks["cutoff"].isna().sum())
    note = f"n = {len(looks)} looks, {int(looks['stopped'].fillna(False).sum())} stops."
    if np.isinf(known).any():
        note += f" {int(np.isinf(known).sum())} looks at diverged trials, at the upper edge."
    style.caption(made, f"{note} {missing} looks without a cutoff: too few trials on the rung as yet.")
    return made


def _at_edge(values: np.ndarray) -> np.ndarray:
    """Values for a logarithmic axis: infinite ones at twice the largest finite one."""
    finite = np.isfinite(values)
    return np.where(finite, values, 2.0 * values[finite].max(initial=0.0))


def _points(axis: Axes, x: np.ndarray, trials: pd.DataFrame) -> None:
    """Scores by status; infinite ones at the upper edge of the finite."""
    shown = _at_edge(trials["score"].to_numpy())
    for status, look in style.STATUS.items():
        mask = (trials["status"] == status).to_numpy()
        if mask.any():
            axis.scatter(x[mask], shown[mask], s=14, alpha=0.85, label=status, zorder=3, **look)


def _reference(run: Run, axis: Axes) -> None:
    rows = scores.headlines(run.trials).get("reference")
    if rows is None:
        return
    middle, low, high = median_interval(scores.errors(rows))
    if np.isfinite(middle):
        axis.axhline(middle, color=style.GREEN, linestyle="--", label="reference, confirmed")
        if np.isfinite([low, high]).all():
            axis.axhspan(low, high, color=style.GREEN, alpha=0.15, linewidth=0)


def _positions(axis: Axes, values: pd.Series, distribution: dict[str, Any]) -> np.ndarray:
    """Where a setting's values lie on the axis: numbers as they are, categories in strips."""
    if "choices" not in distribution:
        if distribution.get("log"):
            axis.set_xscale("log")
        elif distribution["distribution"] == "IntDistribution":
            style.integers(axis)
        return scores.numbers(values)
    names = [level_name(choice) for choice in distribution["choices"]]
    shown = [level_name(None if pd.isna(value) else value) for value in values]
    axis.set_xticks(range(len(names)), names, rotation=0 if sum(map(len, names)) < 24 else 30)
    axis.set_xlim(-0.5, len(names) - 0.5)
    # Equal categories side by side in order of the trials: a fixed jitter, so that figures repeat.
    jitter = 0.5 * ((np.arange(len(shown)) * 0.618034) % 1.0) - 0.25
    return np.array([names.index(name) if name in names else np.nan for name in shown]) + jitter


def _best(trials: pd.DataFrame) -> str | None:
    ended = trials[(trials["status"] == "completed") & np.isfinite(trials["score"])]
    return None if ended.empty else str(ended.loc[ended["score"].idxmin(), "trial"])


def _caption(run: Run, trials: pd.DataFrame) -> str:
    k = run.study.replicates
    seeds = "one replicate each" if k == 1 else f"median over {k} replicates each"
    return f"{run.study.name}: n = {len(trials)} trials, {seeds}."


def _diverged_note(trials: pd.DataFrame) -> str:
    lost = int((trials["status"] == "diverged").sum())
    return f" {lost} diverged (triangles, at the upper edge)." if lost else " None diverged."
