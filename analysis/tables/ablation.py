"""Tables of an ablation: its arms against the baseline, at equal budgets, and each factor's margin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import arms, scores, statistics
from analysis.curves import arm_curves, at, budgets
from analysis.load import Run
from analysis.scores import numbers
from analysis.tables.cells import cost_cells, error_cells, generator, paired_cells, spread
from studies.records import CONFIG


def arms_table(run: Run) -> pd.DataFrame:
    """A row for each arm: its error, the ratio to the baseline's over shared seeds, and its cost.

    `iqm` is the interquartile mean of log10 of the score, as a score; `p_holm` and `p_exact_holm` are
    adjusted for all comparisons with the baseline (Holm 1979).  `learning_rate_use`: one rate "shared" by all
    arms, or "tuned" for each.
    """
    rng = generator(run.study.seed)
    rows = arms.arm_rows(run)
    base = run.study.baseline
    table: list[dict[str, Any]] = []
    for name, arm in rows.items():
        score = scores.errors(arm)
        logs = statistics.bootstrap(statistics.log10(score), statistics.iqm, rng=rng)
        row = {"arm": name, "baseline": name == base, **error_cells(run, arm)}
        row |= spread("iqm", statistics.Interval(*(10.0**value for value in logs)))
        if base in rows and name != base:
            row |= paired_cells(arm, rows[base], rng)
            better = statistics.probability_of_improvement(score, scores.errors(rows[base]))
            row |= spread("improvement", better)
        row |= _batch_statistics(arm)
        row |= cost_cells(arm)
        row["learning_rate"] = run.study.tuned_rates.get(name, _first(arm, f"{CONFIG}learning_rate"))
        row["learning_rate_use"] = run.study.learning_rates
        table.append(row)
    frame = pd.DataFrame(table)
    for name in ("p", "p_exact"):
        if name in frame:
            place = list(frame.columns).index(name) + 1
            frame.insert(place, f"{name}_holm", statistics.holm(frame[name].to_numpy(dtype=float)))
    return frame


def budget_table(run: Run) -> pd.DataFrame:
    """The error of each arm when every arm had spent the same: iterations, training points or seconds.

    The budget is the largest that all arms reached; one whose replicates all diverged reaches none, and
    is infinitely wrong at any.  Between two measurements the error is interpolated in log-log; a budget
    before an arm's first measurement gives no value.
    """
    rows = arms.arm_rows(run)
    lost = [name for name, arm in rows.items() if len(arm) and np.isinf(scores.errors(arm)).all()]
    curves = {name: curve for name, curve in arm_curves(run, "score").items() if name not in lost}
    table: list[dict[str, Any]] = []
    for budget in budgets(run, curves) if curves else ():
        amount = min(float(curve.spent(budget)[-1]) for curve in curves.values())
        for name, arm in rows.items():
            row: dict[str, Any] = {
                "budget": budget,
                "amount": amount,
                "arm": name,
                "metric": run.study.metric,
            }
            if name in curves:
                values = at(curves[name], budget, amount)
                row["iterations"] = amount / curves[name].cost[budget]
            elif name in lost:
                values = scores.errors(arm)
            else:
                continue
            row["n"] = len(values)
            if np.isnan(values).any():
                row |= spread("score", statistics.Interval(np.nan, np.nan, np.nan))
            else:
                row |= {"diverged": int(np.isinf(values).sum()), **spread("score", statistics.median(values))}
            table.append(row)
    columns = ["budget", "amount", "arm", "n", "diverged", "iterations", "metric"]
    columns += ["score", "score_low", "score_high"]
    return pd.DataFrame(table, columns=columns)


def factor_table(run: Run) -> pd.DataFrame:
    """A row for each level of each factor of a grid, the levels of the other factors taken together.

    Interquartile mean of log10 of the score over runs × levels of the others, as an error, with the bootstrap
    stratified by the latter, the "tasks" of Agarwal et al. 2021.  Empty unless there are two factors.
    """
    rng = generator(run.study.seed)
    factors = arms.factors(run.study)
    rows = arms.arm_rows(run)
    table: list[dict[str, Any]] = []
    for key, levels in factors.items() if len(factors) > 1 else ():
        for value in levels:
            at_level = [name for name in rows if arms.level(run.study, name, key) == value]
            tasks = [statistics.log10(scores.errors(rows[name])) for name in at_level]
            if not any(map(len, tasks)):
                continue
            logs = statistics.stratified_bootstrap(tasks, statistics.iqm, rng=rng)
            runs = np.concatenate(tasks)
            row = {"factor": key, "level": arms.level_name(value), "arms": len(at_level), "n": len(runs)}
            row |= {"diverged": int(np.isposinf(runs).sum()), "metric": run.study.metric}
            row |= spread("iqm", statistics.Interval(*(10.0**logarithm for logarithm in logs)))
            table.append(row)
    columns = ["factor", "level", "arms", "n", "diverged", "metric", "iqm", "iqm_low", "iqm_high"]
    return pd.DataFrame(table, columns=columns)


def _batch_statistics(rows: pd.DataFrame) -> dict[str, float]:
    """The error of the same networks normalising over the batch, where batch normalisation is on."""
    if np.isnan(numbers(rows["mae_batch_statistics"])).all():
        return {}
    return spread("mae_batch_statistics", statistics.median(scores.errors(rows, "mae_batch_statistics")))


def _first(rows: pd.DataFrame, column: str) -> Any:
    return rows[column].iloc[0] if column in rows and len(rows) else np.nan
