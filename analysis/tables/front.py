"""Tables of a search with several objectives: its front, and the best setting for each budget."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from analysis import scores
from analysis.load import Run
from analysis.tables.cells import error_cells, rows_of
from studies.records import CONFIG
from studies.records.schema import OBJECTIVE

_MOST_BUDGETS = 12


def cost_names(run: Run) -> list[str]:
    """The objectives beside the error."""
    return [name for name in run.study.objectives if OBJECTIVE + name in run.trials]


def front_table(run: Run) -> pd.DataFrame:
    """A row for each trial that no other beat in all objectives, confirmed on fresh seeds, by cost.

    `selected` is the score that the search saw, `score` the confirmed median with its interval.  Objectives
    are by the cost model; `seconds_measured` is what the search's own training took.  `beaten` says that
    another of these costs no more and has a confirmed error that is no larger.
    """
    names = cost_names(run)
    confirmed = _confirmed(run)
    if not names or not confirmed:
        return pd.DataFrame()
    search = run.phase("search")
    trials = {str(row["trial"]): row for row in rows_of(scores.trial_scores(search))}
    costs = {name: search.groupby("trial")[OBJECTIVE + name].first().to_dict() for name in names}
    table: list[dict[str, Any]] = []
    for trial, rows in confirmed.items():
        row: dict[str, Any] = {"trial": trial, "winner": trial == next(iter(confirmed))}
        row |= {name: float(costs[name][trial]) for name in names}
        row |= {"seconds_measured": trials[trial]["seconds"], "selected": trials[trial]["score"]}
        row |= error_cells(run, rows)
        row |= {
            key: rows[CONFIG + key].iloc[0]
            for key in run.study.space
            if CONFIG + key in rows and key not in row
        }
        table.append(row)
    for row in table:
        row["beaten"] = any(_beats(other, row, names) for other in table)
    return pd.DataFrame(table).sort_values([*names, "score"], kind="stable", ignore_index=True)


def budgets_table(run: Run) -> pd.DataFrame:
    """What each budget of the first cost buys: the confirmed trial of the lowest error that keeps to it.

    Budgets are 1, 1.5, 2, 3, 5 and 7 times powers of ten, from the front's cheapest trial to its dearest.
    """
    front = front_table(run)
    if front.empty:
        return pd.DataFrame()
    (name, *_), rows = cost_names(run), rows_of(front)
    table = []
    for budget in _budgets(float(front[name].min()), float(front[name].max())):
        allowed = [row for row in rows if row[name] <= budget and not math.isnan(row["score"])]
        if allowed:
            best = min(allowed, key=lambda row: (row["score"], row[name]))
            table.append(
                {"budget": budget, **{key: best[key] for key in best if key not in ("beaten", "winner")}}
            )
    return pd.DataFrame(table)


def _confirmed(run: Run) -> dict[str, pd.DataFrame]:
    """The winner's rows and those of the rest of the front, by the trial that the search knows them as."""
    heads, rest = scores.headlines(run.trials), run.phase("front")
    if "winner" not in heads or run.study.winner is None:
        return {}
    others = {str(arm): rest[rest["arm"] == arm] for arm in rest["arm"].dropna().unique()}
    return {run.study.winner.trial: heads["winner"], **others}


def _beats(row: dict[str, Any], other: dict[str, Any], names: list[str]) -> bool:
    keys = ["score", *names]
    return all(row[key] <= other[key] for key in keys) and any(row[key] < other[key] for key in keys)


def _budgets(low: float, high: float) -> list[float]:
    if not 0 < low <= high:
        return []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [float(f"{digit}e{power}") for power in powers for digit in (1, 1.5, 2, 3, 5, 7)]
    inside = [step for step in steps if low <= step < high]
    last = next(step for step in [*steps, math.inf] if step >= high)
    chosen = [*inside, last if np.isfinite(last) else high]
    return chosen[-_MOST_BUDGETS:]
