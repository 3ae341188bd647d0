"""An ablation's arms at equal budgets, in words: per step, per training point and per second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis import scores, statistics
from analysis.arms import arm_rows
from analysis.curves import BUDGETS, Curve, arm_curves, at
from analysis.load import Run
from analysis.tables.cells import generator, spread
from analysis.tables.rounding import seconds
from analysis.verdict import compared, sentence, verdict
from studies.records.reduction import median

_NAMES = {"iterations": "iterations", "points": "training points", "seconds": "time"}


def verdicts(run: Run) -> list[str]:
    """A run's verdict as a sentence and, of an ablation, one for each budget that all arms were given."""
    first = sentence(verdict(run.study, run.trials))
    return [*([first] if first else []), *at_equal_budgets(run)]


def at_equal_budgets(run: Run) -> list[str]:
    """What the arms come to when each has spent the same, a sentence for each budget.

    The budget is the largest that all arms reached, as in `analysis.tables.budget_table`.  Budgets at which
    all arms had run equally long are told together.  Tests are paired over shared seeds, and adjusted for
    the arms within a budget.  Empty of anything else than an ablation with a baseline and curves of all arms.
    """
    base = run.study.baseline
    if run.study.kind != "ablation" or base is None:
        return []
    rows, curves = arm_rows(run), arm_curves(run, "score")
    lost = [name for name, own in rows.items() if len(own) and np.isinf(scores.errors(own)).all()]
    found = {name: one for name, one in curves.items() if name not in lost}
    if base not in found or len(found) + len(lost) < 2 or found.keys() | set(lost) != rows.keys():
        return []
    told: dict[tuple[float, ...], list[str]] = {}
    for budget in BUDGETS:
        amount = min(float(one.spent(budget)[-1]) for one in found.values())
        lengths = tuple(round(amount / one.cost[budget], 6) for one in found.values())
        told.setdefault(lengths, []).append(f"{_NAMES[budget]} ({_amount(budget, amount)})")
    return [
        f"At equal {' and '.join(names)}: {'; '.join(_told(run, rows, found, lost, base, lengths))}."
        for lengths, names in told.items()
    ]


def _told(
    run: Run,
    rows: Mapping[str, pd.DataFrame],
    found: Mapping[str, Curve],
    lost: list[str],
    base: str,
    lengths: tuple[float, ...],
) -> list[str]:
    """The arms against the baseline, each after an iteration of its own."""
    errors = {
        name: _errors(rows[name], at(one, "iterations", length * one.cost["iterations"]))
        for (name, one), length in zip(found.items(), lengths, strict=True)
    }
    errors |= {name: _errors(rows[name], scores.errors(rows[name])) for name in lost}
    if any(each.isna().any() for each in errors.values()):
        return ["some arms were not measured so early"]
    rng = generator(run.study.seed)
    cells = {arm: _cells(own, errors[base], rng) for arm, own in errors.items() if arm != base}
    return compared(cells, base)


def _errors(rows: pd.DataFrame, values: Any) -> pd.Series:
    return pd.Series(np.asarray(values, float), index=scores.counted(rows)["seed"].to_numpy())


def _cells(own: pd.Series, base: pd.Series, rng: np.random.Generator) -> dict[str, Any]:
    both = pd.concat([own, base], axis=1, join="inner")
    paired = statistics.paired_difference(both[0], both[1], rng=rng)
    return {"score": float(median(own)), **spread("ratio", paired.ratio), "p": paired.p}


def _amount(budget: str, amount: float) -> str:
    return seconds(amount) if budget == "seconds" else f"{amount:,.0f}"
