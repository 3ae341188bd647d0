"""The front of a search with several objectives: error against what it costs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis import scores
from analysis.load import Run
from analysis.plots import style
from analysis.plots.findings import said
from analysis.tables.front import cost_names, front_table
from studies.records import words
from studies.records.schema import OBJECTIVE

_LABELS = {"seconds": "seconds of a training, by the cost model"}


def front_figure(run: Run) -> Figure | None:
    """Error against the first cost: all trials, and the front as confirmed; None with one objective."""
    table = front_table(run)
    if table.empty:
        return None
    name = cost_names(run)[0]
    search = run.phase("search")
    trials = scores.trial_scores(search).set_index("trial")
    cost = search.groupby("trial")[OBJECTIVE + name].first().reindex(trials.index).to_numpy(float)
    error = trials["score"].to_numpy(float)
    shown = np.isfinite(error) & (error > 0) & (trials["status"] == "completed").to_numpy()
    middle, low, high = (scores.numbers(table[key]) for key in ("score", "score_low", "score_high"))
    known = np.isfinite(middle) & (middle > 0)
    if not known.any():
        return None
    made = style.figure(style.ONE_COLUMN, 2.5)
    axis = made.subplots()
    axis.scatter(cost[shown], error[shown], s=10, color=style.GREY, label="trials of the search")
    places = scores.numbers(table[name])
    ends = [middle - low, np.where(np.isfinite(high), high - middle, 0.0)]
    ends = [np.clip(np.nan_to_num(each[known]), 0.0, None) for each in ends]
    axis.errorbar(
        places[known],
        middle[known],
        yerr=ends,
        fmt="o",
        color=style.BLUE,
        capsize=2,
        linewidth=0.9,
        label="front, confirmed",
    )
    kept = known & ~table["beaten"].to_numpy(bool)
    axis.step(places[kept], middle[kept], where="post", color=style.BLUE, linewidth=0.9)
    axis.set(xscale="log", yscale="log", ylabel=f"{run.metric_name} (nondimensional)")
    axis.set_xlabel(_LABELS.get(name, name))
    handles, labels = style.entries([axis])
    style.legend(made, handles, labels, title="", at="center")
    best, least = int(np.argmin(np.where(known, middle, np.inf))), int(np.flatnonzero(known)[0])
    finding = f"From {said(float(places[least]))} to {said(float(places[best]))} {name} the error falls from "
    finding += f"{said(float(middle[least]))} to {said(float(middle[best]))}"
    if best == least:
        finding = f"The cheapest trial of the front is its best: {said(float(middle[best]))}"
    text = (
        f"{run.study.name}: {words.counted(len(table), 'trial')} that none beat in all objectives, confirmed "
    )
    text += f"on {words.counted(int(table['n'].max()), 'fresh seed')}: medians with their intervals. "
    text += "The line leaves out those that are beaten once confirmed."
    style.explain(made, finding, text)
    return made
