"""What a search says of its own error, a sentence each: its rungs, its stops, its choice, its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.load import Run
from analysis.statistics import Interval
from analysis.tables.after import TOP, busiest_rung, lost_by_stops
from analysis.tables.cells import rows_of
from analysis.tables.rounding import LEVEL, interval, plain

Tables = Mapping[str, pd.DataFrame]


def own_error(run: Run, tables: Tables) -> list[str]:
    """All of them that the run has an answer to."""
    return [*_rungs(run, tables), *_stops(run), *_choice(run, tables), *_steps(run, tables)]


def _rungs(run: Run, tables: Tables) -> list[str]:
    row = busiest_rung(tables["early-stopping"])
    if row is None:
        return []
    total = int(tables["early-stopping"]["stopped"].sum())
    stops = "The one early stop rests" if total == 1 else f"{row['stopped']} of {total} early stops rest"
    said = f"{stops} on the rung of {row['rung']:,} iterations.  "
    rho = Interval(*(row[f"rung_rho{end}"] for end in ("", "_low", "_high")))
    if np.isnan(rho.point):
        return [f"{said}Too few trials completed to say whether the {run.noun} there predicts the end."]
    said += (
        f"Among the {row['survivors']} trials that completed, the rank correlation of the {run.noun} there "
    )
    said += f"with the last one is {interval(*rho)}"
    if np.isnan(rho.low) or rho.low <= 0:
        said += ": these trials do not show that the rung predicts the end"
    return [f"{said}."]


def _stops(run: Run) -> list[str]:
    count, n, share = lost_by_stops(run)
    if not n:
        return []
    few = "1 stopped trial, drawn at random, was trained to its end"
    many = f"{n} stopped trials, drawn at random, were trained to their ends"
    ends = f"{100 * share.low:.0f} to {100 * share.high:.0f} %"
    said = f"{few if n == 1 else many}: {count} would have been among the best {TOP}."
    return [f"{said}  So a stop loses one of these {100 * share.point:.0f} % of the time [{ends}]."]


def _choice(run: Run, tables: Tables) -> list[str]:
    rows = rows_of(tables["rivals"])
    if not rows:
        return []
    winner = rows[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrinkage = float(np.exp(np.mean(np.log([row["shrinkage"] for row in rows]))))
    said = [
        f"Of the {len(rows)} best trials, confirmed on the same seeds, the winner is the best with "
        f"probability {winner['best_of_these']:.2f} (bootstrap over {winner['n']} seeds)."
    ]
    ties = [row["trial"] for row in rows[1:] if not row["p_holm"] < LEVEL]
    better = [row["trial"] for row in rows[1:] if row["p_holm"] < LEVEL and row["ratio_high"] < 1]
    if better:
        said.append(f"Better than it on these seeds: {', '.join(better)}.")
    if ties:
        said.append(f"Not to be told from it with so many seeds: {', '.join(ties)}.")
    if np.isfinite(shrinkage):
        said.append(f"Confirmed, they have {plain(shrinkage)} times the {run.noun} they were selected with.")
    return ["  ".join(said)]


def _steps(run: Run, tables: Tables) -> list[str]:
    rows = [row for row in rows_of(tables["path"]) if not np.isnan(row["step"])]
    if not rows:
        return []
    sure = [row for row in rows if row["p_holm"] < LEVEL]
    if not sure:
        return ["No single step from the baseline to the winner changes the error beyond doubt."]
    told = [f"{row['setting']} {_factor(row)}" for row in sorted(sure, key=lambda row: row["step"])]
    others = [str(row["setting"]) for row in rows if row not in sure]
    said = f"From the baseline to the winner, one setting at a time, the {run.noun} changes by: "
    said += ", ".join(told)
    return [f"{said}; not beyond doubt: {', '.join(others)}." if others else f"{said}."]


def _factor(row: Mapping[str, Any]) -> str:
    return f"× {interval(row['step'], row['step_low'], row['step_high'])}"
