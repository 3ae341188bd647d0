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
from analysis.plots import findings, style, ticks
from studies.records import CONFIG, words
from studies.records.intervals import median_interval

HEADLINES = {"winner": "winner, confirmed", "baseline": "baseline, confirmed"}


_ENOUGH = 5
"""Completed trials from which on a correlation is said."""


def best_so_far(run: Run) -> Figure | None:
    """The best completed score so far against trials ended and seconds, with every trial's score.

    The confirmed errors of winner and baseline are levels with their intervals: the smallest of many scores
    flatters, and they say by how much.
    """
    trials = scores.trial_scores(run.phase("search"))
    trials = trials[trials["status"].isin(scores.COUNTED) & trials["score"].notna()]
    if not np.isfinite(trials["score"]).any():
        return None
    # A stopped trial cannot win: its score is of another iteration than those it would be compared with.
    ended = (trials["status"] == "completed").to_numpy()
    best = np.fmin.accumulate(np.where(ended, trials["score"].to_numpy(), np.nan))
    columns = style.beside(2)
    made = style.figure(style.width(), 2.3 if columns == 2 else 4.2)
    axes = list(made.subplots(2 // columns, columns, sharey=True, squeeze=False).flat)
    ends = scores.numbers(trials["ended"])
    for axis, x in zip(axes, (np.arange(1, len(trials) + 1), ends), strict=True):
        axis.step(x, best, where="post", color=style.BLACK, label="best completed so far")
        _points(axis, x, trials)
        axis.set_yscale("log")
        for (name, label), colour in zip(HEADLINES.items(), (style.ORANGE, style.GREEN), strict=True):
            _level(run, axis, name, label, colour)
    axes[0].set(xlabel="trials ended", ylabel=f"{run.metric_name} (nondimensional)")
    axes[1].set_ylabel(f"{run.metric_name} (nondimensional)" if columns == 1 else "")
    axes[1].set(xlabel="time since the study began (s)")
    ticks.integers(axes[0].xaxis)
    style.letters(axes)
    style.legend(made, *style.entries(axes))
    note = " Levels: confirmed on fresh seeds, with their intervals."
    confirmed = [name for name in HEADLINES if name in scores.headlines(run.trials)]
    style.explain(
        made,
        findings.confirmed(run) or _best_said(run, trials),
        _caption(run, trials) + (note if confirmed else "") + _diverged_note(trials),
    )
    return made


def learning_curves(run: Run) -> Figure | None:
    """Every trial's error while it trained, stopped ones marked at their rung."""
    rows = run.phase("search")
    trials = scores.trial_scores(rows)
    trials = trials[trials["status"].isin(style.STATUS)]
    made = style.figure(style.width(), 2.8)
    axis = made.subplots()
    for rung in run.study.scheduler.get("rungs", []):
        axis.axvline(rung, color="0.85", linewidth=0.6, zorder=0)
    lines: dict[str, list[np.ndarray]] = {}
    best = _best(trials)
    curves = trial_curves(run, rows, "score")
    for trial, status in zip(trials["trial"], trials["status"], strict=True):
        if trial not in curves:
            continue
        curve = curves[trial]
        middle, _, _ = band(curve.values)
        finite = np.isfinite(middle)
        if not finite.any():
            continue
        line = np.column_stack([curve.iterations[finite], middle[finite]])
        lines.setdefault(str(status), []).append(line)
        if trial == best:
            axis.plot(*line.T, color=style.BLACK, linewidth=1.6, zorder=4, label="best trial")
    if not lines:
        return None
    for status, drawn in lines.items():
        look = style.STATUS[status]
        # One artist for all lines and one for all ends: those of thousands of trials take minutes to lay out.
        axis.add_collection(LineCollection(drawn, colors=look["color"], linewidths=0.7, alpha=0.6, zorder=2))
        x, y = np.array([line[-1] for line in drawn]).T
        axis.scatter(x, y, s=16, zorder=5, label=status, **look)
    axis.set(
        xscale="log",
        yscale="log",
        xlabel=key_name("iterations"),
        ylabel=f"{run.metric_name} (nondimensional)",
    )
    style.legend(made, *style.entries([axis]))
    note = "Each line is one trial; a marker is its last measurement, a triangle one before it diverged."
    if run.study.scheduler.get("rungs"):
        note += " Vertical lines: rungs of the early stopping."
    stopped = int((trials["status"] == "stopped").sum())
    title = (
        f"{words.share(stopped, len(trials), 'trial')} {words.agree(stopped, 'was', 'were')} stopped early"
        if stopped
        else "No trial was stopped early"
    )
    style.explain(made, title, f"{_caption(run, trials)} {note}")
    return made


def hyperparameters(run: Run) -> Figure | None:
    """The error against each setting searched over."""
    trials = scores.trial_scores(run.phase("search"))
    trials = trials[trials["status"].isin(scores.COUNTED) & trials["score"].notna()]
    keys = [key for key in run.study.space if CONFIG + key in trials]
    if not keys or not np.isfinite(trials["score"]).any():
        return None
    columns = style.beside(min(3, len(keys)))
    lines = math.ceil(len(keys) / columns)
    made = style.figure(
        style.width(style.TWO_COLUMNS if columns > 1 else style.ONE_COLUMN), 0.3 + 1.8 * lines
    )
    grid = made.subplots(lines, columns, sharey=True, squeeze=False)
    axes = list(grid.flat)
    best, ring = (trials["trial"] == _best(trials)).to_numpy(), ""
    for axis, key in zip(axes, keys, strict=False):
        x = _positions(axis, trials[CONFIG + key], run.study.space[key])
        _points(axis, x, trials)
        if best.any():
            ring = " Ring: the best trial that completed."
            look: dict[str, Any] = {"facecolors": "none", "edgecolors": style.BLACK, "linewidths": 0.9}
            axis.scatter(x[best], trials["score"][best], s=48, zorder=5, **look)
        axis.set(xlabel=key_name(key), yscale="log")
    for axis in axes[len(keys) :]:
        axis.remove()
    for line in grid:
        line[0].set_ylabel(f"{run.metric_name} (nondimensional)")
    style.legend(made, *style.entries(axes[: len(keys)]))
    style.explain(
        made, _strongest(run.noun, trials, keys), _caption(run, trials) + _diverged_note(trials) + ring
    )
    return made


def early_stopping(run: Run) -> Figure | None:
    """Each look of the early stopping: the score on the rung beside the cutoff it had to beat."""
    looks = run.decisions.dropna(subset=["score", "rung"])
    if looks.empty:
        return None
    rungs = sorted(looks["rung"].unique())
    made = style.figure(style.width(), 2.4)
    axis = made.subplots()
    known = scores.numbers(looks["score"])
    looks = looks.assign(shown=_at_edge(known))
    for place, rung in enumerate(rungs):
        at_rung = looks[looks["rung"] == rung].sort_values(["recorded", "elapsed"])
        x = place + np.linspace(-0.4, 0.4, len(at_rung) + 2)[1:-1]
        score, cutoff = at_rung["shown"].to_numpy(), scores.numbers(at_rung["cutoff"])
        cutoff = np.where(np.isinf(cutoff), np.nan, cutoff)
        stopped = at_rung["stopped"].fillna(False).to_numpy(dtype=bool)
        half = 0.4 / (len(at_rung) + 1)
        axis.hlines(cutoff, x - half, x + half, color=style.BLACK, linewidth=1.2, label="cutoff", zorder=3)
        for mask, status, label in ((~stopped, "completed", "went on"), (stopped, "stopped", "stopped")):
            look = style.STATUS[status]
            axis.scatter(x[mask], score[mask], s=16, label=label, **look)
        if place:
            axis.axvline(place - 0.5, color="0.85", linewidth=0.6, zorder=0)
    ticks.names(axis.xaxis, [f"{rung}" for rung in rungs])
    axis.set(xlim=(-0.5, len(rungs) - 0.5), yscale="log", ylabel=f"score on the rung ({run.metric_name})")
    axis.set_xlabel("rung (optimizer steps); within a rung, trials in the order they reached it")
    style.legend(made, *style.entries([axis]))
    missing = int(looks["cutoff"].isna().sum())
    stops = looks[looks["stopped"].fillna(False).astype(bool)]
    note = f"n = {words.counted(len(looks), 'look')}, {words.counted(len(stops), 'stop')}."
    if lost := int(np.isinf(known).sum()):
        note += f" {words.counted(lost, 'look')} at diverged trials, at the upper edge."
    title = f"{words.count(len(stops), 'stop')} in {words.count(len(looks), 'look')}"
    if len(stops):
        title += f", {words.count(int((stops['rung'] == rungs[0]).sum()), 'stop')} on the first rung"
    note += f" {words.counted(missing, 'look')} without a cutoff: too few trials on the rung as yet."
    style.explain(made, f"{title[0].upper()}{title[1:]}", note)
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


def _level(run: Run, axis: Axes, name: str, label: str, colour: str) -> None:
    """A confirmed error with its interval, across the axis."""
    rows = scores.headlines(run.trials).get(name)
    if rows is None:
        return
    middle, low, high = median_interval(scores.errors(rows))
    if np.isfinite(middle):
        axis.axhline(middle, color=colour, linestyle="--", label=label, zorder=1)
        if np.isfinite([low, high]).all():
            axis.axhspan(low, high, color=colour, alpha=0.15, linewidth=0, zorder=0)


def _positions(axis: Axes, values: pd.Series, distribution: dict[str, Any]) -> np.ndarray:
    """Where a setting's values lie on the axis: numbers as they are, categories in strips."""
    if "choices" not in distribution:
        if distribution.get("log"):
            axis.set_xscale("log")
        elif distribution["distribution"] == "IntDistribution":
            ticks.integers(axis.xaxis)
        return scores.numbers(values)
    names = [level_name(choice) for choice in distribution["choices"]]
    shown = [level_name(None if pd.isna(value) else value) for value in values]
    ticks.names(axis.xaxis, names, rotation=0 if sum(map(len, names)) < 20 else 90)
    axis.set_xlim(-0.5, len(names) - 0.5)
    # Equal categories side by side in order of the trials: a fixed jitter, so that figures repeat.
    jitter = 0.5 * ((np.arange(len(shown)) * 0.618034) % 1.0) - 0.25
    return np.array([names.index(name) if name in names else np.nan for name in shown]) + jitter


def _best_said(run: Run, trials: pd.DataFrame) -> str:
    best = _best(trials)
    if best is None:
        return "No trial completed"
    score = float(trials.loc[trials["trial"] == best, "score"].iloc[0])
    return f"No winner is confirmed; the best trial's own {run.metric_name} is {findings.said(score)}"


def _strongest(noun: str, trials: pd.DataFrame, keys: list[str]) -> str:
    """The numeric setting whose rank goes most with the error's, over the trials that completed."""
    ended = trials[trials["status"] == "completed"]
    score = ended["score"]
    correlations = {}
    for key in keys:
        values = pd.to_numeric(ended[CONFIG + key], errors="coerce")
        if len(ended) >= _ENOUGH and values.notna().all() and values.nunique() > 2 and score.nunique() > 2:
            correlations[key] = float(values.rank().corr(score.rank()))
    if not correlations:
        return f"The {noun} against each setting that was searched"
    key = max(correlations, key=lambda name: abs(correlations[name]))
    way = "lower" if correlations[key] < 0 else "higher"
    return (
        f"Of the numeric settings {key_name(key)} goes most with the {noun}: the larger, the {way} "
        f"(rank correlation {correlations[key]:.2f}, {words.counted(len(ended), 'completed trial')})"
    )


def _best(trials: pd.DataFrame) -> str | None:
    ended = trials[(trials["status"] == "completed") & np.isfinite(trials["score"])]
    return None if ended.empty else str(ended.loc[ended["score"].idxmin(), "trial"])


def _caption(run: Run, trials: pd.DataFrame) -> str:
    k = run.study.replicates
    seeds = ("median over " if k > 1 else "") + words.counted(k, "replicate") + " each"
    return f"{run.study.name}: n = {words.counted(len(trials), 'trial')}, {seeds}."


def _diverged_note(trials: pd.DataFrame) -> str:
    lost = int((trials["status"] == "diverged").sum())
    return f" {lost} diverged (triangles, at the upper edge)." if lost else " None diverged."
