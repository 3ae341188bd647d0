"""Several runs on one page: what each came to, how its settings differ, and when and where it was made."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis import arms, scores
from analysis.arms import key_name
from analysis.budgets import verdicts
from analysis.load import Run
from analysis.page import asset, plain_table, render, rounded_table
from analysis.plots import compared, style
from analysis.settings import shown
from analysis.tables import compare_table
from analysis.tables.rounding import seconds
from studies.records import CONFIG, LABELS
from studies.records.words import counted

_COLUMNS = (
    "n",
    "diverged",
    "metric",
    "score",
    "score_low",
    "score_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "solved",
    "iterations",
    "points",
    "seconds",
)


def page(runs: Sequence[Run]) -> str:
    """The page, HTML in one file: runs in the order in which they were started, as a history of a study."""
    ordered = sorted(runs, key=lambda run: run.study.started)
    table = compare_table(ordered)
    names = [_name(row) for row in table[["study", "run", "setting"]].to_dict("records")]
    results = pd.DataFrame({"setting": names}).join(table[[name for name in _COLUMNS if name in table]])
    return render(
        "comparison.html.j2",
        title=f"{counted(len(ordered), 'run')} compared",
        verdicts=[(_called(run), " ".join(verdicts(run))) for run in ordered],
        figure=_figure(names, table),
        results=rounded_table("results", "What each came to", results),
        settings=plain_table("Settings that are not the same everywhere", _settings(ordered)),
        history=plain_table("Runs, the first one first", _history(ordered)),
        css=asset("report.css"),
    )


def _called(run: Run) -> str:
    return f"{run.study.name}/{run.study.run}"


def _name(row: dict[Any, Any]) -> str:
    return f"{row['study']}/{row['run']}: {row['setting']}"


def _figure(names: list[str], table: pd.DataFrame) -> dict[str, str] | None:
    with style.styled():
        made = compared.errors(names, table, LABELS[str(table["metric"].iloc[0])])
        if made is None:
            return None
        finding, caption = style.explained(made)
        image = base64.b64encode(style.png(made)).decode("ascii")
    return {"image": image, "alt": f"{finding}. {caption}"}


def _settings(runs: Sequence[Run]) -> pd.DataFrame:
    """A row for each setting that differs between any two of the compared, a column for each of them."""
    columns: dict[str, dict[str, str]] = {}
    for run in runs:
        parts = scores.headlines(run.trials) | arms.arm_rows(run)
        for name, rows in parts.items():
            settings = {
                column.removeprefix(CONFIG): shown(_plain(rows[column].iloc[0]))
                for column in scores.told_columns(rows, run.study.space)
            }
            settings["problem"] = " ".join([run.study.problem, *map(str, run.study.parameters.values())])
            columns[f"{_called(run)}: {name}"] = settings
    keys = list(dict.fromkeys(key for settings in columns.values() for key in settings))
    differing = [key for key in keys if len({settings.get(key, "–") for settings in columns.values()}) > 1]
    told = [
        {"setting": key_name(key), **{name: settings.get(key, "–") for name, settings in columns.items()}}
        for key in differing
    ]
    return pd.DataFrame(told, columns=["setting", *columns])


def _plain(value: Any) -> Any:
    if not isinstance(value, list | tuple | dict) and pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _history(runs: Sequence[Run]) -> pd.DataFrame:
    rows = [
        {
            "run": _called(run),
            "started": run.study.started.partition(".")[0].replace("T", " ").replace("+00:00", " UTC"),
            "state": run.study.state,
            "took": seconds(float("nan") if run.study.seconds is None else run.study.seconds),
            "commit": (run.study.commit or "not recorded")[:12],
            "torch": run.study.versions.get("torch", "not recorded"),
            "processor": str(run.study.machine.get("processor", "not recorded")),
            "command": run.study.command or "not recorded",
        }
        for run in runs
    ]
    return pd.DataFrame(rows)
