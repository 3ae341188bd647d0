"""Tables that every run has: does the loss predict the error, and how runs compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis import arms, scores, statistics
from analysis.load import Run
from analysis.scores import counted, numbers
from analysis.tables.cells import cost_cells, error_cells, spread
from analysis.words import RESIDUAL

PHASES = ("search", "ablation", "solve")
LOW_LOSS = 0.5
NOT_SOLVED = 0.5


def loss_and_error(run: Run) -> pd.DataFrame:
    """Each counted replicate's last loss, MAE and relative L² error, infinite where diverged.

    `degenerate` marks a falling loss without a solution: a loss in the lower half of all, and a relative
    L² error above 0.5, when the zero function has 1.
    """
    rows = counted(run.trials[run.trials["phase"].isin(PHASES)])
    losses = numbers(rows["loss"])
    table = pd.DataFrame(
        {
            "phase": rows["phase"].to_numpy(),
            "trial": rows["trial"].to_numpy(),
            "arm": rows["arm"].to_numpy(),
            "status": rows["status"].to_numpy(),
            "loss": np.where(np.isnan(losses) | (rows["status"] == "diverged"), np.inf, losses),
            "mae": scores.errors(rows),
            "rel_l2": scores.errors(rows, "rel_l2"),
        }
    )
    finite = np.isfinite(table["mae"]) & np.isfinite(table["loss"])
    low = table["loss"].rank(pct=True) <= LOW_LOSS
    known = run.study.metric != RESIDUAL
    table["degenerate"] = finite & low & (table["rel_l2"] > NOT_SOLVED) & known
    return table


def correlation_table(run: Run) -> pd.DataFrame:
    """Spearman's correlation of the last training loss with the MAE: does a lower loss mean a lower error?

    Over the medians of trials, over all their replicates, and over the replicates of each arm.  Diverged
    replicates have the last rank in both.  Replicates of one setting are not independent of each other:
    the interval over all of them is narrower than it should be.
    """
    values = loss_and_error(run)
    medians = values.groupby("trial")[["loss", "mae"]].median()
    scopes = {"medians of trials": medians, "all replicates": values}
    scopes |= {
        f"arm {name}": values[values["arm"] == name] for name in arms.arm_rows(run) if len(run.study.arms) > 1
    }
    table = [
        {
            "scope": scope,
            "n": len(part),
            **spread("rho", statistics.rank_correlation(part["loss"], part["mae"])),
            "degenerate": int(part["degenerate"].sum()) if "degenerate" in part else pd.NA,
        }
        for scope, part in scopes.items()
    ]
    return pd.DataFrame(table).astype({"degenerate": "Int64"})


def compare_table(runs: Sequence[Run]) -> pd.DataFrame:
    """The confirmed settings and the arms of several runs, one row each, in one table."""
    table: list[dict[str, Any]] = []
    for run in runs:
        study = run.study
        parts = scores.headlines(run.trials) | arms.arm_rows(run)
        for name, rows in parts.items():
            row: dict[str, Any] = {
                "run": study.run,
                "study": study.name,
                "problem": study.problem,
                "metric": study.metric,
                "setting": name,
                **error_cells(rows),
                **cost_cells(rows),
                "learning_rate_use": study.learning_rates,
                "state": study.state,
                "commit": study.commit,
            }
            table.append(row)
    return pd.DataFrame(table)
