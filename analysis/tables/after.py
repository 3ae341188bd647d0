"""Tables of what a search asked once it was over: its next best trials, its stops, each setting's gain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from analysis import scores, statistics
from analysis.chances import probability_best
from analysis.load import Run
from analysis.tables.cells import error_cells, generator, paired_cells, rows_of
from studies.records.reduction import median

TOP = 3
"""The best trials that a stop should not lose."""


def rivals_table(run: Run) -> pd.DataFrame:
    """A row for the winner and each of the next best trials, confirmed on the same seeds.

    `selected` is the score by which the search ranked it, `shrinkage` the confirmed median over that.
    `best_of_these` is the probability that it is the best of them (see `analysis.chances`).  `to_winner`:
    error over the winner's on shared seeds; `p_holm` adjusted for the rivals.
    """
    confirmed = _confirmed(run)
    if len(confirmed) < 2:
        return pd.DataFrame()
    search = run.phase("search")
    trials = scores.trial_scores(search).set_index("trial")
    chosen, rng = trials["score"], generator(run.study.seed)
    completed = search[search["trial"].isin(list(trials.index[trials["status"] == "completed"]))]
    best = probability_best(
        {trial: scores.by_seed(rows) for trial, rows in confirmed.items()},
        {str(trial): scores.by_seed(rows) for trial, rows in completed.groupby("trial", sort=False)},
        rng,
    )
    (winner, base), table = next(iter(confirmed.items())), []
    for (trial, rows), chance in zip(confirmed.items(), best, strict=True):
        score = chosen.get(trial, np.nan)
        row: dict[str, Any] = {"trial": trial, "winner": trial == winner, "selected": score}
        row |= error_cells(run, rows)
        row |= {"shrinkage": row["score"] / row["selected"], "best_of_these": chance}
        if trial != winner:
            row |= paired_cells(rows, base, rng)
        table.append(row)
    return _compared(table, "to_winner")


def audit_table(run: Run) -> pd.DataFrame:
    """A row for each stopped trial that was drawn at random and trained to its end.

    `stopped_at` is the rung and `then` the score there; `place` is what its end would have been among the
    completed trials, 1 the best; missing where it diverged.
    """
    return _ends(run, "audit")


def revived_table(run: Run) -> pd.DataFrame:
    """The same of the stopped trials that somebody asked for (`dgm revive`): no sample of all that were."""
    return _ends(run, "revived")


def _ends(run: Run, phase: str) -> pd.DataFrame:
    audited = run.phase(phase)
    if audited.empty:
        return pd.DataFrame()
    search = scores.trial_scores(run.phase("search"))
    stopped = {str(row["trial"]): row for row in rows_of(search)}
    completed = search.loc[search["status"] == "completed", "score"].to_numpy()
    table = []
    for trial in sorted(map(str, audited["arm"].dropna().unique())):
        rows = audited[audited["arm"] == trial]
        if scores.counted(rows).empty:
            continue
        end, then = float(median(scores.errors(rows))), stopped[trial]
        table.append(
            {
                "trial": trial,
                "stopped_at": int(then["iterations"]),
                "iterations_asked": int(rows["iterations_asked"].iloc[0]),
                "then": float(then["score"]),
                "metric": run.study.metric,
                "score": end,
                "place": int((completed < end).sum()) + 1 if np.isfinite(end) else None,
            }
        )
    frame = pd.DataFrame(table)
    return frame.astype({"place": "Int64"}) if table else frame


def lost_by_stops(run: Run) -> tuple[int, int, statistics.Interval]:
    """Of the stopped trials trained to their ends: how many would be among the best three, n, the share."""
    table = audit_table(run)
    count = int((table["place"] <= TOP).sum()) if len(table) else 0
    return count, len(table), statistics.rate(count, len(table))


def path_table(run: Run) -> pd.DataFrame:
    """A row for each step from the baseline to the winner: the setting changed, and what it did to the error.

    `step`: error over that of the step before, on shared seeds; `p_holm` adjusted for the steps.
    """
    rows = run.phase("path")
    heads = scores.headlines(run.trials)
    if rows.empty or "winner" not in heads or "baseline" not in heads:
        return pd.DataFrame()
    steps = {"(baseline)": heads["baseline"]}
    steps |= {str(arm): rows[rows["arm"] == arm] for arm in rows["arm"].dropna().unique()}
    steps[", ".join(_left(run, steps)) or "(winner)"] = heads["winner"]
    rng = generator(run.study.seed)
    table, before = [], None
    for name, step_rows in steps.items():
        row: dict[str, Any] = {"setting": name, **error_cells(run, step_rows)}
        if before is not None:
            row |= paired_cells(step_rows, before, rng)
        table.append(row)
        before = step_rows
    return _compared(table, "step")


def _compared(table: list[dict[str, Any]], name: str) -> pd.DataFrame:
    """Rows with their ratios under a name of their own, and p-values adjusted for all of them."""
    frame = pd.DataFrame(table).rename(
        columns={f"ratio{end}": f"{name}{end}" for end in ("", "_low", "_high")}
    )
    return frame.assign(p_holm=statistics.holm(frame["p"].to_numpy(float)))


def _left(run: Run, steps: Iterable[str]) -> list[str]:
    """The settings in which the winner differs from the last of the steps; the searched ones come last."""
    known = {key for name in steps for key in name.split(", ")}
    baseline, winner = run.study.confirmed_baseline, run.study.winner
    if baseline is None or winner is None:
        return []
    left = [key for key in run.study.space if key not in known]
    return [key for key in left if baseline.config.get(key) != winner.config.get(key)]


def _confirmed(run: Run) -> dict[str, pd.DataFrame]:
    """The winner's rows and those of each of the next best, by the trial that the search knows them as."""
    heads, rivals = scores.headlines(run.trials), run.phase("rivals")
    if "winner" not in heads or rivals.empty:
        return {}
    named = run.study.winner.trial if run.study.winner is not None else "winner"
    rival_rows = {str(arm): rivals[rivals["arm"] == arm] for arm in rivals["arm"].dropna().unique()}
    return {named: heads["winner"], **rival_rows}


def busiest_rung(decisions: pd.DataFrame) -> dict[str, Any] | None:
    """The row of the decisions' table whose rung stopped most; None where nothing was stopped."""
    if decisions.empty or not decisions["stopped"].sum():
        return None
    return max(rows_of(decisions), key=lambda row: row["stopped"])
