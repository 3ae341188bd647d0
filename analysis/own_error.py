"""What a search says of its own error, a sentence each: its rungs, its stops, its choice, its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.arms import key_name
from analysis.load import Run
from analysis.statistics import Interval
from analysis.tables.after import TOP, busiest_rung, lost_by_stops
from analysis.tables.cells import rows_of
from analysis.tables.flatness import LEAST, completed
from analysis.tables.rounding import LEVEL, interval, plain
from analysis.tables.writers import chance as chance_words
from analysis.verdict import direction
from studies.records import LABELS
from studies.records.words import agree, counted, listed, share

Tables = Mapping[str, pd.DataFrame]


def own_error(run: Run, tables: Tables) -> list[str]:
    """All of them that the run has an answer to."""
    return [
        *_rungs(run, tables),
        *_stops(run),
        *revived(tables),
        *_choice(run, tables),
        *_steps(run, tables),
        *_importance(tables),
        *_variance(run, tables),
        *flatness_words(run, tables),
    ]


def _rungs(run: Run, tables: Tables) -> list[str]:
    row = busiest_rung(tables["early-stopping"])
    if row is None:
        return []
    total = int(tables["early-stopping"]["stopped"].sum())
    stops = f"{share(row['stopped'], total, 'early stop')} {agree(row['stopped'], 'was', 'were')} made"
    sentence = f"{stops} at the rung of {counted(row['rung'], 'iteration')}.  "
    rho = _interval(row, "rung_rho")
    if np.isnan(rho.point):
        return [f"{sentence}Too few trials completed to say whether the {run.noun} there predicts the end."]
    survivors = counted(row["survivors"], "trial")
    sentence += f"Among the {survivors} that completed, the rank correlation of the {run.noun} there with "
    sentence += f"the last one is {interval(*rho)}"
    if np.isnan(rho.low) or rho.low <= 0:
        sentence += ": these trials do not show that the rung predicts the end"
    return [f"{sentence}."]


def _stops(run: Run) -> list[str]:
    count, n, lost = lost_by_stops(run)
    if not n:
        return []
    trained = f"{counted(n, 'stopped trial')}, drawn at random, {agree(n, 'was', 'were')} trained to the end"
    ends = f"{100 * lost.low:.0f} to {100 * lost.high:.0f} %"
    said = f"{trained}: {count} would have been among the best {TOP}."
    return [f"{said}  So a stop loses one of these {100 * lost.point:.0f} % of the time [{ends}]."]


def revived(tables: Tables) -> list[str]:
    """What became of the stopped trials that were revived, a sentence each."""
    return [
        f"Trial {row['trial']}, stopped at {row['stopped_at']:,} of "
        f"{counted(row['iterations_asked'], 'iteration')} and revived, {_end(row)}."
        for row in rows_of(tables["revived"])
    ]


def _end(row: Mapping[str, Any]) -> str:
    if not np.isfinite(row["score"]):
        return "diverged"
    place = "the best" if row["place"] == 1 else f"number {row['place']}"
    course = f"from {LABELS[row['metric']]} {plain(row['then'])} to {plain(row['score'])}"
    return f"goes {course} at its end: it would have been {place} of the completed trials"


def _choice(run: Run, tables: Tables) -> list[str]:
    rows = rows_of(tables["rivals"])
    if not rows:
        return []
    winner = rows[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrinkage = float(np.exp(np.mean(np.log([row["shrinkage"] for row in rows]))))
    trials, seeds = counted(len(rows), "trial"), counted(winner["n"], "seed")
    start, chance = f"Of the best {trials}, confirmed on the same seeds, ", winner["best_of_these"]
    sentences = [
        f"{start}{seeds} cannot say how likely the winner is the best."
        if np.isnan(chance)
        else f"{start}the winner is the best with probability {chance_words(chance)} (from {seeds} and their "
        "scores in the search)."
    ]
    shown = {row["trial"]: direction(_interval(row, "to_winner"), row["p_holm"]) for row in rows[1:]}
    better = [trial for trial, way in shown.items() if way == "better"]
    ties = [trial for trial, way in shown.items() if not way]
    if better:
        sentences.append(f"Better than it on these seeds: {', '.join(better)}.")
    if ties:
        sentences.append(f"Not to be told from it with so many seeds: {', '.join(ties)}.")
    if np.isfinite(shrinkage):
        times = plain(shrinkage)
        sentences.append(f"Confirmed, they have {times} times the {run.noun} they were selected with.")
    return ["  ".join(sentences)]


def _steps(run: Run, tables: Tables) -> list[str]:
    rows = [row for row in rows_of(tables["path"]) if not np.isnan(row["step"])]
    if not rows:
        return []
    sure = [row for row in rows if direction(_interval(row, "step"), row["p_holm"])]
    if not sure:
        return ["No single step from the baseline to the winner changes the error significantly."]
    effects = [f"{_step_said(row['setting'])} {_factor(row)}" for row in sure]
    others = [_step_said(row["setting"]) for row in rows if row not in sure]
    sentence = f"From the baseline to the winner, one setting at a time, the {run.noun} changes by: "
    sentence += ", ".join(effects)
    return [f"{sentence}; no significant effect: {', '.join(others)}." if others else f"{sentence}."]


def _step_said(step: str) -> str:
    """A step by its settings: "optimizer with learning rate and schedule"."""
    first, *brought = [key_name(key).partition(" (")[0] for key in step.split(", ")]
    return f"{first} with {listed(brought)}" if brought else first


def _importance(tables: Tables) -> list[str]:
    """Which settings set the best trials apart."""
    rows = rows_of(tables["importance"])
    if not rows:
        return []
    sure = [row for row in rows if row["p_holm"] < LEVEL]
    others = ", ".join(key_name(row["setting"]) for row in rows if row not in sure)
    if not sure:
        return [f"No searched setting sets the best quarter of the trials apart beyond chance: {others}."]
    effects = ", ".join(
        f"{key_name(row['setting'])} "
        f"{interval(row['importance'], row['importance_low'], row['importance_high'])}"
        for row in sure
    )
    sentence = "What sets the best quarter of the trials apart, as shares of all searched settings: "
    sentence += effects
    return [f"{sentence}; not beyond chance: {others}." if others else f"{sentence}."]


def _variance(run: Run, tables: Tables) -> list[str]:
    """What each setting alone explains of all that the settings do."""
    rows = [row for row in rows_of(tables["importance"]) if not np.isnan(row["variance"])]
    if not rows:
        return []
    shares = ", ".join(
        f"{key_name(row['setting'])} {interval(row['variance'], row['variance_low'], row['variance_high'])}"
        for row in sorted(rows, key=lambda row: -row["variance"])
    )
    return [
        f"Of the variance of the logarithm of the {run.noun} over the whole space, each setting alone "
        f"explains (fANOVA): {shares}."
    ]


def flatness_words(run: Run, tables: Tables) -> list[str]:
    """How far each setting can move before the error doubles, as far as the trials tell."""
    rows = rows_of(tables["flatness"])
    if not rows:
        return _too_few(run)
    said = {key_name(row["setting"]): _range(row) for row in rows}
    known = "; ".join(f"{key} {words}" for key, words in said.items() if words)
    unknown = ", ".join(key for key, words in said.items() if not words)
    sentences = []
    if known:
        sentences.append(
            f"With all other settings held, the {run.noun} stays below twice the winner's for: {known}."
        )
    if unknown:
        sentences.append(
            f"Too few trials near the winner to say how far {agree(len(rows), 'it', 'each')} can move "
            f"before the {run.noun} doubles: {unknown}."
        )
    return ["  ".join(sentences)]


def _too_few(run: Run) -> list[str]:
    """That a search with a winner has not the trials for it."""
    n = len(completed(run))
    if run.study.kind != "search" or run.study.winner is None or n >= LEAST:
        return []
    return [
        f"{counted(n, 'completed trial')} {agree(n, 'is', 'are')} too few to say how far a setting can move "
        f"before the {run.noun} doubles: {LEAST} are needed."
    ]


def _range(row: Mapping[str, Any]) -> str:
    """Where the error stays below twice the winner's; empty where the trials do not say."""
    if isinstance(row.get("kept"), str):
        groups = (("kept", "{}"), ("doubling", "not {}"), ("unknown", "perhaps {}"))
        return ", ".join(words.format(row[name]) for name, words in groups if row[name])
    sides = (row["below"], row["above"])
    if set(sides) <= {"flat", "edge"}:
        return "any value of the space"
    parts = [_side(row, "lower", "below", "down to"), _side(row, "upper", "above", "up to")]
    return ", ".join(part for part in parts if part)


def _side(row: Mapping[str, Any], name: str, side: str, words: str) -> str:
    nearer = row[f"{name}_high" if name == "lower" else f"{name}_low"]
    if row[side] == "shown":
        return f"{words} {interval(row[name], row[f'{name}_low'], row[f'{name}_high'])}"
    if row[side] == "partly":
        return f"{words} {plain(nearer)} at least"
    return f"{words} the edge of the space" if row[side] == "flat" else ""


def _factor(row: Mapping[str, Any]) -> str:
    return f"× {interval(*_interval(row, 'step'))}"


def _interval(row: Mapping[str, Any], name: str) -> Interval:
    """What `analysis.tables.cells.spread` put into a row."""
    return Interval(row[name], row[f"{name}_low"], row[f"{name}_high"])
