"""What the arms of an ablation vary: their factors, levels and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.load import Run
from studies.records import StudyRecord
from studies.records.schema import WEIGHT_PREFIX

NAMES = {
    "batch_size": "batch size (points)",
    "learning_rate": "learning rate",
    "iterations": "iterations (optimizer steps)",
    "depth": "depth (layers)",
    "width": "width (units)",
    "batch_norm": "batch normalization",
    "clip_norm": "gradient clipping (2-norm)",
    "quadrature": "quadrature rule",
    "nodes": "quadrature nodes",
    "parameters": "trainable parameters",
}


def key_name(key: str) -> str:
    """A setting as an axis names it, with its unit."""
    key = key.removeprefix("problem.")
    if key.startswith(WEIGHT_PREFIX):
        return f"loss weight of {key.removeprefix(WEIGHT_PREFIX)}"
    return NAMES.get(key, key.replace("_", " "))


def arm_said(study: StudyRecord, arm: str) -> str:
    """An arm in a sentence, with what it is a value of: "batch size 64", "6, 32 (depth, width)"."""
    names = [key_name(key).partition(" (")[0] for key in factors(study)]
    if not names:
        return arm
    return f"{names[0]} {arm}" if len(names) == 1 else f"{arm} ({', '.join(names)})"


def level_name(value: Any) -> str:
    """A setting's value as figures, tables and sentences show it."""
    if value is None:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, list | tuple):
        return ", ".join(level_name(item) for item in value)
    return str(value)


def is_number(value: Any) -> bool:
    """A real number, which has an order and a place on an axis; booleans do not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def level(study: StudyRecord, arm: str, key: str) -> Any:
    """The value of a setting in an arm."""
    return study.arms.get(arm, {}).get(key, study.base.get(key))


def factors(study: StudyRecord) -> dict[str, list[Any]]:
    """Factors and their levels: those of the grid, or the one key that all arms differ in.

    Empty where the arms differ in several keys without being a grid.
    """
    if study.factors:
        return dict(study.factors)
    keys = {key for changes in study.arms.values() for key in changes}
    if len(keys) != 1:
        return {}
    (key,) = keys
    levels = list({level_name(level(study, arm, key)): level(study, arm, key) for arm in study.arms}.values())
    return {key: levels}


def panel_factor(study: StudyRecord) -> str | None:
    """The factor of a two-factor grid that separate panels show: the one of fewer levels."""
    levels = factors(study)
    if len(levels) != 2:
        return None
    return min(levels, key=lambda key: len(levels[key]))


def ordered(levels: list[Any]) -> bool:
    """Whether levels are numbers, so that a sequential colour map and a numeric axis fit them."""
    return len(levels) > 1 and all(is_number(value) for value in levels)


def geometric(levels: list[Any]) -> bool:
    """Whether numeric levels ask for a logarithmic axis: positive, over a factor of ten or more."""
    values = np.array(levels, float)
    return bool((values > 0).all() and values.max() / values.min() >= 10)


def arm_rows(run: Run) -> dict[str, pd.DataFrame]:
    """The ablation's rows of each arm that has any, in the study's order."""
    rows = run.phase("ablation")
    names = [*run.study.arms, *(name for name in rows["arm"].dropna().unique() if name not in run.study.arms)]
    return {name: rows[rows["arm"] == name] for name in names if (rows["arm"] == name).any()}
