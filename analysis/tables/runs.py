"""Tables that every run has: does the loss predict the error, and how runs compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis import arms, scores, statistics
from analysis.load import Run
from analysis.scores import counted
from analysis.tables.cells import cost_cells, error_cells, generator, looks_of, paired_cells, spread
from studies.records.reduction import median

PHASES = ("search", "ablation", "solve")


def loss_and_error(run: Run) -> pd.DataFrame:
    """Each counted replicate's last loss, score and relative L² error, infinite where diverged.

    `degenerate` and `blown_up` are those of `analysis.fates`.
    """
    rows = counted(run.trials[run.trials["phase"].isin(PHASES)])
    table = pd.DataFrame(
        {
            "phase": rows["phase"].to_numpy(),
            "trial": rows["trial"].to_numpy(),
            "arm": rows["arm"].to_numpy(),
            "status": rows["status"].to_numpy(),
            "loss": scores.losses(rows),
            "score": scores.errors(rows),
            "rel_l2": scores.errors(rows, "rel_l2"),
        }
    )
    for fate in ("degenerate", "blown_up"):
        table[fate] = run.fates.loc[rows.index, fate].to_numpy(dtype=bool)
    return table


def correlation_table(run: Run) -> pd.DataFrame:
    """Spearman's correlation of the last training loss with the score: does a lower loss mean a lower error?

    Over the medians of trials, over all their replicates, and over the replicates of each arm.  Diverged
    replicates have the last rank in both.  Replicates of one setting are not independent of each other:
    the interval over all of them is narrower than it should be.
    """
    values = loss_and_error(run)
    medians = values.groupby("trial")[["loss", "score"]].agg(_median)
    scopes = {"medians of trials": medians, "all replicates": values}
    scopes |= {
        f"arm {name}": values[values["arm"] == name] for name in arms.arm_rows(run) if len(run.study.arms) > 1
    }
    table = [
        {
            "scope": scope,
            "n": len(part),
            **spread("rho", statistics.rank_correlation(part["loss"], part["score"])),
            **{fate: int(part[fate].sum()) if fate in part else pd.NA for fate in ("degenerate", "blown_up")},
        }
        for scope, part in scopes.items()
    ]
    return pd.DataFrame(table).astype({"degenerate": "Int64", "blown_up": "Int64"})


def polish_table(run: Run) -> pd.DataFrame:
    """What a polish did for each headline and arm: medians over replicates at its first and last step.

    A row for each time window.  Empty where nothing was polished, or its steps were not recorded.
    """
    parts = scores.headlines(run.trials) | arms.arm_rows(run)
    table = []
    for name, rows in parts.items():
        keys = ["trial", "replicate"]
        replicates = counted(rows)[keys]
        looks = run.polish(replicates["trial"].unique())
        steps = looks.merge(replicates.astype({"replicate": "int32"}), on=keys)
        for iteration, polish in steps.groupby("iteration"):
            each = polish.sort_values("polish").groupby(keys)
            ends = {"first": each.first(), "last": each.last()}  # of the score: the first and last known
            table.append(
                {
                    "setting": name,
                    "metric": run.study.metric,
                    "after_iteration": iteration,
                    "n": len(ends["last"]),
                    "steps": int(each["polish"].max().max()),
                    **{
                        f"{end}_{column}": _median(numbers[column])
                        for column in ("loss", "score")
                        for end, numbers in ends.items()
                    },
                }
            )
    return pd.DataFrame(table)


def _median(values: pd.Series) -> float:
    return float(median(values.to_numpy()))


def compare_table(runs: Sequence[Run]) -> pd.DataFrame:
    """The confirmed settings and the arms of several runs, one row each, in one table."""
    table: list[dict[str, Any]] = []
    for run in runs:
        study = run.study
        parts = scores.headlines(run.trials) | arms.arm_rows(run)
        base = study.baseline if study.kind == "ablation" else "baseline"
        for name, rows in parts.items():
            row: dict[str, Any] = {
                "run": study.run,
                "study": study.name,
                "problem": study.problem,
                "setting": name,
                **error_cells(run, rows),
                **_against(run, rows, None if name == base else parts.get(str(base))),
                **cost_cells(rows),
                "learning_rate_use": study.learning_rates,
                "state": study.state,
                "commit": study.commit,
                "folder": str(run.folder),
            }
            table.append(row)
    return pd.DataFrame(table)


def _against(run: Run, rows: pd.DataFrame, base: pd.DataFrame | None) -> dict[str, float]:
    """The ratio to the baseline of the same run, as the run's verdict has it; NaN where there is none."""
    names = ("ratio", "ratio_low", "ratio_high")
    if base is None:
        return dict.fromkeys(names, math.nan)
    cells = paired_cells(rows, base, generator(run.study.seed), looks_of(run.study))
    return {name: cells[name] for name in names}
