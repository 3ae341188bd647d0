"""Reasons to trust a run's answer less: few seeds or trials, lost seeds, intervals that overlap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.arms import key_name
from analysis.curves import trial_curves
from analysis.load import Run
from analysis.scores import trial_scores
from analysis.settings import by_arrival, population, scheduled
from analysis.tables.cells import rows_of
from analysis.tables.rounding import number
from analysis.verdict import quoted
from studies.records import CONFIG
from studies.records.reduction import median
from studies.records.schema import SAME_AS
from studies.records.words import agree, count, counted, listed, share

ENOUGH_SEEDS = 5
ENOUGH_TRIALS = 10

Tables = Mapping[str, pd.DataFrame]


def warnings(run: Run, tables: Tables) -> list[str]:
    """Reasons to trust the answer less, a sentence each."""
    study = run.study
    doubts = []
    if study.state != "finished":
        state = {"running": "has not ended", "failed": "failed"}.get(study.state, "was interrupted")
        doubts.append(f"The run {state}: what follows is what it had recorded by then.")
    if study.quick:
        doubts.append("This is a quick run: shorter and smaller than the study it is named after.")
    shown = tables["summary"] if study.kind != "ablation" else tables["arms"]
    rows = {str(row.get("setting", row.get("arm"))): row for row in rows_of(shown)}
    noun = "arm" if study.kind == "ablation" else "setting"
    doubts += few_seeds({name: row["n"] for name, row in rows.items()}, noun)
    for name, row in rows.items():
        doubts += lost_seeds(name, row)
    if study.kind == "search":
        doubts += _search(run, tables)
    if study.kind == "ablation" and study.learning_rates == "shared" and len(shown):
        doubts.append("All arms share one learning rate: an arm may look bad only because of its rate.")
    doubts += [f"{each['what']} {each['why']}" for each in study.preflight]
    return [*doubts, *study.notes]


def few_seeds(seeds: Mapping[str, int], noun: str) -> list[str]:
    """Settings or arms with too few seeds for an interval, a sentence for those with equally many.

    seeds: name -> how many are counted.  noun: what a name is one of.
    """
    few = {name: n for name, n in seeds.items() if n < ENOUGH_SEEDS}
    said = []
    for n in sorted(set(few.values())):
        names = [quoted(name) for name, its in few.items() if its == n]
        who = listed(names)
        if len(names) == len(seeds) > 2:
            who = f"All {counted(len(names), noun)}"
        each = " each" if len(names) > 1 else ""
        said.append(f"{who}: {count(n, 'seed')}{each}, too few for an interval to be trusted.")
    return said


def lost_seeds(name: str, row: Mapping[str, Any]) -> list[str]:
    """What of a setting's or an arm's seeds diverged or is missing, a sentence each."""
    said = []
    if row["diverged"]:
        lost = share(row["diverged"], row["n"], "replicate")
        counts = agree(row["diverged"], "counts", "count")
        said.append(f"{name}: {lost} diverged and {counts} as the worst.")
    for kind in ("failed", "interrupted"):
        if row[kind]:
            missing = counted(row[kind], "replicate")
            said.append(f"{name}: {missing} {kind} and {agree(row[kind], 'is', 'are')} not counted in n.")
    return said


def _search(run: Run, tables: Tables) -> list[str]:
    doubts = []
    if by_arrival(run):
        done = "took over each other" if population(run) else "were suggested and stopped"
        doubts.append(
            f"Trials {done} in the order in which results arrived: this search cannot be "
            "repeated, here or on another machine.  Its confirmation can."
        )
    changing = {} if run.study.winner is None else scheduled(run, run.study.winner.trial)
    if changing:
        doubts.append(
            "The winner's settings are a schedule, which its confirmation follows: "
            + "; ".join(f"{key_name(key)} {values}" for key, values in changing.items())
            + ".  Tables give the last of them."
        )
    once = set() if SAME_AS not in run.trials else set(run.trials.loc[run.trials[SAME_AS].notna(), "trial"])
    doubts += [
        f"Trials {listed(names)} have the same settings and seeds: "
        + ("trained once, counted for each." if once & {*names} else "one training, done more than once.")
        for names in _alike(run)
    ]
    counts = rows_of(tables["counts"])[0]
    ended = counts["completed"] + counts["stopped"] + counts["diverged"]
    if ended < ENOUGH_TRIALS:
        doubts.append(f"Only {count(ended, 'trial')} ended: the winner is the best of few.")
    if counts["failed"]:
        doubts.append(
            f"{counted(counts['failed'], 'trial')} failed: see the messages in the table of trials."
        )
    rows = {row["setting"]: row for row in rows_of(tables["summary"])}
    if "winner" in rows and "baseline" in rows:
        winner, baseline = rows["winner"], rows["baseline"]
        # One seed has no interval, whose ends are NaN.
        if winner["score_low"] <= baseline["score_high"] and baseline["score_low"] <= winner["score_high"]:
            doubts.append("The intervals of winner and baseline overlap.")
    if run.study.scheduler and not population(run) and counts["run"] and not counts["stopped"]:
        doubts.append("Early stopping stopped no trial.")
    return [*doubts, *_cut_short(run)]


def _cut_short(run: Run) -> list[str]:
    """Trials that were ended by something else than their error, and had less of it than the winner."""
    trials = run.phase("search")
    cut = trials[trials["status"] == "interrupted"]
    if run.study.winner is None or cut.empty:
        return []
    ended = trial_scores(trials[trials["trial"] == run.study.winner.trial])
    winner = float(ended["score"].min())
    at = {
        trial: (int(curve.iterations[-1]), float(median(curve.values[-1])))
        for trial, curve in trial_curves(run, cut, "score").items()
    }
    asked = {str(row["trial"]): int(row["iterations_asked"]) for row in rows_of(cut)}
    return [
        f"Trial {trial} was interrupted at iteration {reached:,} of {asked[trial]:,}.  Its error was "
        f"{number(error, 2)} then, lower than the winner's at its end, {number(winner, 2)}: with more time "
        "another trial might win."
        for trial, (reached, error) in sorted(at.items())
        if error < winner
    ]


def _alike(run: Run) -> list[list[str]]:
    """Trials of the search that have all searched settings in common, where there are any."""
    trials = run.phase("search").drop_duplicates("trial")
    keys = [CONFIG + key for key in run.study.space if CONFIG + key in trials]
    if trials.empty or not keys:
        return []
    told = trials[keys].astype("string").fillna("").agg("\0".join, axis=1)
    return [
        sorted(map(str, names)) for _, names in trials["trial"].groupby(told, sort=False) if len(names) > 1
    ]
