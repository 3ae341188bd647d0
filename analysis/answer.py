"""What a run says, in words: the answer with its interval, n and divergence (see `analysis.doubts` too)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import scores
from analysis.arms import arm_said, key_name, level_name
from analysis.budgets import verdicts
from analysis.fates import BLEW_UP, NOT_SOLVED
from analysis.load import Run
from analysis.own_error import own_error
from analysis.tables.cells import looks_of, rows_of
from analysis.tables.front import cost_names
from analysis.tables.rounding import interval, number, plain, probability
from analysis.verdict import groups, quoted
from studies.records.spaces import present
from studies.records.words import agree, count, counted

Tables = Mapping[str, pd.DataFrame]
"""The run's tables by name, as `analysis.report.make_tables` gives them."""


@dataclass(frozen=True)
class Answer:
    """What a run says: the verdict with the numbers it rests on, and the grounds to trust it."""

    verdict: list[str]
    grounds: list[str]

    @property
    def sentences(self) -> list[str]:
        """All of them, in order."""
        return [*self.verdict, *self.grounds]


def answer(run: Run, tables: Tables) -> Answer:
    """The findings of a run, a sentence or two each."""
    said, grounds = {"search": _search, "ablation": _ablation, "solve": _solved}[run.study.kind](run, tables)
    said = [*verdicts(run), *said]
    if not said:
        said = ["Nothing has ended yet that could answer the question."]
    return Answer(said, [*grounds, *own_error(run, tables), *_loss_and_error(run, tables)])


def error_words(row: dict[str, Any]) -> str:
    """A median score as a sentence gives it: with interval, its coverage, n and divergence."""
    shown = interval(row["score"], row["score_low"], row["score_high"])
    cover = "" if np.isnan(row["coverage"]) else f"; interval of {100 * row['coverage']:.1f} %"
    return f"{shown} (n = {counted(row['n'], 'seed')}, {row['diverged']} diverged{cover})"


def _search(run: Run, tables: Tables) -> tuple[list[str], list[str]]:
    counts = rows_of(tables["counts"])[0]
    summary = tables["summary"]
    rows = {row["setting"]: row for row in rows_of(summary)}
    said: list[str] = []
    grounds: list[str] = []
    if "winner" in rows:
        winner = rows["winner"]
        keys = {
            key: winner[key]
            for key in [*run.study.space, "iterations"]
            if key in winner and present(run.study.space, key, winner)
        }
        settings = ", ".join(f"{key_name(key)} {_value(value)}" for key, value in keys.items())
        error = error_words(winner)
        said.append(
            f"The winner's median {run.metric_name} on seeds the search never saw is {error}: {settings}."
        )
    elif counts["run"]:
        trials = scores.trial_scores(run.phase("search"))
        best = trials.loc[trials["status"] == "completed", "score"].min()
        said.append("No winner was confirmed.")
        if np.isfinite(best):
            score = number(best, 2)
            said.append(f"The best trial's own score is {score}, which flatters: it is the smallest of many.")
    if "winner" in rows and "baseline" in rows:
        said.append(f"The baseline's is {error_words(rows['baseline'])}.  {_against(run, rows['winner'])}")
    said += _front(run, tables)
    if (looks := looks_of(run.study)) > 1 and "winner" in rows:
        grounds.append(
            f"Winner and baseline have {counted(rows['winner']['n'], 'seed')} each: seeds were added while "
            f"it was open which is better, in up to {counted(looks, 'look')} that share the 5 %."
        )
    if counts["run"]:
        ran = 100 * counts["iterations_share"]
        grounds.append(
            f"Of {counted(counts['asked'], 'trial')} asked for, {counts['run']:,} ran: "
            f"{counts['completed']} completed, {counts['stopped']} stopped early, "
            f"{counts['diverged']} diverged, {counts['failed']} failed, "
            f"{counts['interrupted']} interrupted.  They ran {counts['iterations_run']:,} of "
            f"{counted(counts['iterations_asked'], 'iteration')} ({ran:.0f} %)."
        )
        if np.isfinite(counts["busy"]):
            cores = counted(run.study.cores, "core")
            grounds.append(
                f"The run took {counts['seconds']:.0f} s; training kept its {cores} busy for "
                f"{100 * counts['busy']:.0f} % of that."
            )
    return said, grounds


def _front(run: Run, tables: Tables) -> list[str]:
    """What each budget buys, where the search had several objectives."""
    if tables["front"].empty:
        return []
    name, rows = cost_names(run)[0], rows_of(tables["best-by-budget"])
    told = [
        f"up to {plain(row['budget'])} {name}, {error_words(row)} by trial {row['trial']}" for row in rows
    ]
    return [f"The best for each budget: {'; '.join(told)}.  Costs are those of the model, not measured."]


def _against(run: Run, winner: dict[str, Any]) -> str:
    ratio = [winner[f"ratio{end}"] for end in ("", "_low", "_high")]
    text = f"The ratio of {run.noun}s, winner to baseline over shared seeds, is {interval(*ratio)}"
    return f"{text} ({winner['test']} test, p {_p(winner['p'])})."


def _ablation(run: Run, tables: Tables) -> tuple[list[str], list[str]]:
    table = tables["arms"]
    table = table[table["score"].notna()] if len(table) else table
    if table.empty:
        return [], []
    rows = rows_of(table)
    best = min(rows, key=lambda row: row["score"])
    name = arm_said(run.study, best["arm"])
    said = [f"The lowest median {run.metric_name} is that of {name}: {error_words(best)}."]
    base = next((row for row in rows if row["baseline"]), None)
    if base is None or "p_holm" not in table:
        return said, []
    if base is not best:
        said.append(f"The baseline {base['arm']} has {error_words(base)}.")
    others = [row for row in rows if not row["baseline"] and not np.isnan(row["p_holm"])]
    told = groups({row["arm"]: row for row in others})
    ratios = {row["arm"]: f"{quoted(row['arm'])} ({plain(row['ratio'])}×)" for row in others}
    names = {
        "better": "Better than the baseline",
        "worse": "Worse than the baseline",
        "diverged": "Diverged",
        "": "No evidence of a difference from the baseline",
    }
    for kind, name in names.items():
        if told[kind]:
            said.append(f"{name}: {', '.join(ratios[arm] for arm in told[kind])}.")
    grounds: list[str] = []
    pairs = min((int(row["pairs"]) for row in others), default=0)
    if pairs:
        grounds.append(
            f"Tests are at 5 %, paired over {counted(pairs, 'shared seed')} and adjusted for "
            f"{counted(len(others), 'comparison')} (Holm).  A t-test assumes normal differences of log "
            f"{run.noun}; the signed-rank test beside it in the table does not, but cannot give less "
            f"than {plain(2.0 ** (1 - pairs))} with {counted(pairs, 'seed')}."
        )
    return said, grounds


def _solved(run: Run, tables: Tables) -> tuple[list[str], list[str]]:
    rows = rows_of(tables["summary"])
    said = [f"The median {run.metric_name} of {row['setting']} is {error_words(row)}." for row in rows]
    return said, []


def _loss_and_error(run: Run, tables: Tables) -> list[str]:
    table = tables["correlation"]
    row = rows_of(table[table["scope"] == "all replicates"])[0]
    if np.isnan(row["rho"]):
        return []
    said = f"Rank correlation of the last training loss with the {run.noun}, over all "
    said += f"{counted(row['n'], 'replicate')}: {interval(row['rho'], row['rho_low'], row['rho_high'])}."
    if row["degenerate"]:
        said += (
            f"  {_are(row['degenerate'], 'replicate')} degenerate: the training ended, its loss fell and "
            f"converged, but its relative L² error is above {NOT_SOLVED:g}, so it solves nothing."
        )
    if row["blown_up"]:
        said += (
            f"  {_are(row['blown_up'], 'replicate')} blown up: finite, but with a last loss of more than "
            f"{BLEW_UP:g} times the first, or {BLEW_UP:g} times as wrong as the zero function."
        )
    return [said]


def _are(number: int, noun: str) -> str:
    """ "1 replicate is", "3 replicates are"."""
    return f"{count(number, noun)} {agree(number, 'is', 'are')}"


def _p(value: float) -> str:
    text = probability(value)
    return text if text.startswith("<") else f"= {text}"


def _value(value: Any) -> str:
    if pd.isna(value) or not isinstance(value, float):
        return level_name(None if pd.isna(value) else value)
    return f"{value:.0f}" if value.is_integer() else plain(value)
