"""Several runs on one page: what each came to, how its settings differ, and when and where it was made."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis import arms, scores
from analysis.arms import key_name
from analysis.budgets import verdicts
from analysis.called import distinct, names
from analysis.load import Run
from analysis.page import asset, plain_table, render, rounded_table
from analysis.plots import compared, style
from analysis.settings import shown
from analysis.tables import compare_table
from analysis.tables.rounding import ABSENT, seconds
from studies.records import CONFIG, LABELS
from studies.records.words import counted

_OF_PROBLEM_OR_NETWORK = ("problem.", "network.", "loss_weights")
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
    ordered = sorted(distinct(runs), key=lambda run: run.study.started)
    table = compare_table(ordered)
    called = names(ordered)
    settings = [
        f"{called[folder]}: {name}" for folder, name in zip(table["folder"], table["setting"], strict=True)
    ]
    results = pd.DataFrame({"setting": settings}).join(table[[name for name in _COLUMNS if name in table]])
    return render(
        "comparison.html.j2",
        title=f"{counted(len(ordered), 'run')} compared",
        verdicts=[(called[str(run.folder)], " ".join(verdicts(run))) for run in ordered],
        figure=_figure(settings, table),
        results=rounded_table("results", "What each came to", results),
        settings=plain_table("Settings that are not the same everywhere", _settings(ordered, called)),
        history=plain_table("Runs, the first one first", _history(ordered, called)),
        css=asset("report.css"),
    )


def _figure(names: list[str], table: pd.DataFrame) -> dict[str, str] | None:
    with style.styled():
        made = compared.errors(names, table, LABELS[str(table["metric"].iloc[0])])
        if made is None:
            return None
        finding, caption = style.explained(made)
        image = base64.b64encode(style.png(made)).decode("ascii")
    return {"image": image, "alt": f"{finding}. {caption}"}


def _settings(runs: Sequence[Run], called: Mapping[str, str]) -> pd.DataFrame:
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
            columns[f"{called[str(run.folder)]}: {name}"] = settings
    told = []
    for key in dict.fromkeys(key for settings in columns.values() for key in settings):
        values = {name: settings.get(key, _absent(key)) for name, settings in columns.items()}
        if len(set(values.values())) > 1:
            told.append({"setting": key_name(key), **values})
    return pd.DataFrame(told, columns=["setting", *columns])


def _absent(key: str) -> str:
    """What stands for a setting that a run does not have.

    Every training has all settings of its version but those of other problems and networks.
    """
    return ABSENT if key.startswith(_OF_PROBLEM_OR_NETWORK) else "not in its version"


def _plain(value: Any) -> Any:
    if not isinstance(value, list | tuple | dict) and pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _history(runs: Sequence[Run], called: Mapping[str, str]) -> pd.DataFrame:
    rows = [
        {
            "run": called[str(run.folder)],
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
