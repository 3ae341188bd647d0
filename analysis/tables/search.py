"""Tables of a search: its trials, its counts, its confirmed settings, and what early stopping did."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from analysis import scores, statistics
from analysis.load import Run
from analysis.tables.cells import cost_cells, error_cells, generator, looks_of, paired_cells, spread
from studies.records import CONFIG
from studies.records.schema import EXPLOITS, SAME_AS, WEIGHT_PREFIX

_NOT_IN_USE = {"", "0", "0.0", "False", "none", "[]", "{}"}
"""Values of options that are off, as text."""

STATUSES = ("completed", "stopped", "diverged", "failed", "interrupted")


def trials_table(run: Run) -> pd.DataFrame:
    """A row for each trial of every phase, in order of their ends, with the settings that vary."""
    table = scores.trial_scores(run.trials)
    asked = {CONFIG + key for key in run.study.space}
    varied = [
        name
        for name in scores.told_columns(table, run.study.space)
        if name in asked or table[name].astype("string").nunique() > 1
    ]
    table = table.drop(columns=[name for name in scores.config_columns(table) if name not in varied])
    # The setting `iterations` is the column iterations_asked.
    table = table.drop(columns=f"{CONFIG}iterations", errors="ignore")
    return table.rename(columns=lambda name: name.removeprefix(CONFIG)).rename(columns={"error": "failure"})


def counts_table(run: Run) -> pd.DataFrame:
    """One row: trials asked and run, their statuses, iterations run and asked, seconds.

    Of the search or ablation itself: confirmation and tuning are not counted.  Iterations are counted once
    for a trial, whose replicates are trained together; one that took another's results ran none.  `busy` is
    the share of the time of its cores that all trainings took, those of confirmation and tuning too, as far
    as they count.
    """
    rows = run.phase("search", "ablation", "solve")
    trials = scores.trial_scores(rows)
    row: dict[str, object] = {"asked": run.study.trials_asked, "run": len(trials)}
    row |= {status: scores.count(trials, status) for status in STATUSES}
    if SAME_AS in rows:  # these were not trained themselves
        trials = trials[~trials["trial"].isin(rows.loc[rows[SAME_AS].notna(), "trial"])]
    ran, asked = int(trials["iterations"].sum()), int(trials["iterations_asked"].sum())
    if EXPLOITS in rows:  # what was trained before belongs to the trials that were taken over
        first = rows.drop_duplicates("trial")[EXPLOITS].dropna()
        taken = [each for text in first for each in json.loads(text)]
        ran += sum(each["dropped"] - each["iteration"] for each in taken)
    row |= {"iterations_run": ran, "iterations_asked": asked}
    row |= {"iterations_share": ran / asked if asked else np.nan}
    seconds = np.nan if run.study.seconds is None else run.study.seconds
    trained = run.trials.groupby("trial")["seconds"].max().sum()
    row |= {"seconds": seconds, "busy": trained / (seconds * run.study.cores) if seconds else np.nan}
    return pd.DataFrame([row])


def summary_table(run: Run) -> pd.DataFrame:
    """A row for each headline (winner, baseline or what was solved): error, cost and configuration.

    `ratio` is the winner's error over the baseline's on shared seeds.
    """
    headlines = scores.headlines(run.trials)
    rng = generator(run.study.seed)
    keys = _told(run, headlines)
    table = []
    for name, setting_rows in headlines.items():
        row = {"setting": name, "trial": setting_rows["trial"].iloc[0], **error_cells(run, setting_rows)}
        if name == "winner" and "baseline" in headlines:
            row |= paired_cells(setting_rows, headlines["baseline"], rng, looks_of(run.study))
        row |= cost_cells(setting_rows)
        row |= {key: setting_rows[CONFIG + key].iloc[0] for key in keys if key not in row}
        table.append(row)
    return pd.DataFrame(table)


def _told(run: Run, headlines: dict[str, pd.DataFrame]) -> list[str]:
    """The settings worth a column: those searched, those that differ, and of one setting alone those in use.

    study.json has the whole configuration of every trial.
    """
    rows = pd.concat(headlines.values()) if headlines else run.trials
    keys = []
    for column in scores.told_columns(rows, run.study.space):
        values = set(rows[column].astype("string").fillna(""))
        searched = column.removeprefix(CONFIG) in run.study.space
        weight = column.startswith(CONFIG + WEIGHT_PREFIX)
        in_use = len(headlines) == 1 and not values <= ({"1.0"} if weight else _NOT_IN_USE)
        if searched or in_use or len(values) > 1:
            keys.append(column.removeprefix(CONFIG))
    return keys


def decisions_table(run: Run) -> pd.DataFrame:
    """A row for each rung of the early stopping: trials looked at and stopped, cutoffs, what it saved.

    `rung_rho` is the evidence that a rung predicts the end: Spearman's correlation of the score on the rung
    with the last score, over trials that completed.  It can say nothing of the stopped ones.
    """
    trials = scores.trial_scores(run.phase("search")).set_index("trial")
    columns = ["rung", "looks", "without_cutoff", "stopped"]
    columns += [f"stopped_share{end}" for end in ("", "_low", "_high")]
    columns += ["metric", "best", "cutoff_first", "cutoff_last", "iterations_saved", "survivors"]
    columns += [f"rung_rho{end}" for end in ("", "_low", "_high")]
    table = []
    for rung, looks in run.decisions.groupby("rung"):
        stopped = looks[looks["stopped"].fillna(False).astype(bool)]
        cutoffs = scores.numbers(looks.sort_values("recorded")["cutoff"])
        known = cutoffs[~np.isnan(cutoffs)]
        ended = trials[trials["status"] == "completed"]
        early = looks.groupby("trial")["score"].last().rename("early")
        both = pd.concat([early, ended["score"]], axis=1, join="inner")
        lost = trials[trials.index.isin(stopped["trial"])]
        table.append(
            {
                "rung": rung,
                "looks": len(looks),
                "without_cutoff": int(np.isnan(cutoffs).sum()),
                "stopped": len(stopped),
                **spread("stopped_share", statistics.rate(len(stopped), len(looks))),
                "metric": run.study.metric,
                "best": float(np.nanmin(scores.numbers(looks["score"]), initial=np.inf)),
                "cutoff_first": known[0] if len(known) else np.nan,
                "cutoff_last": known[-1] if len(known) else np.nan,
                "iterations_saved": int((lost["iterations_asked"] - lost["iterations"]).sum()),
                "survivors": len(both),
                **spread(
                    "rung_rho",
                    statistics.rank_correlation(scores.numbers(both["early"]), both["score"]),
                ),
            }
        )
    return pd.DataFrame(table, columns=columns)
