"""Remakes a run's tables, figures and report from its folder alone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis import answer, plots, tables
from analysis.load import Run, load_run
from analysis.tables.rounding import seconds
from analysis.words import relabelled, worded
from studies import records

TABLES: dict[str, tuple[str, Callable[[Run], pd.DataFrame]]] = {
    "summary": ("Confirmed settings", tables.summary_table),
    "arms": ("Arms", tables.arms_table),
    "budgets": ("At equal budgets", tables.budget_table),
    "factors": ("Each factor's levels, over all levels of the other", tables.factor_table),
    "correlation": ("Does a lower loss mean a lower error?", tables.correlation_table),
    "early-stopping": ("What early stopping saw and did", tables.decisions_table),
    "counts": ("Trials", tables.counts_table),
    "trials": ("Every trial", tables.trials_table),
}
"""File name, title and maker of each table, in the order of the report."""


@dataclass(frozen=True)
class _Shown:
    """A table as the page shows it."""

    title: str
    head: list[str]
    rows: list[list[str]]
    file: str


def make_report(folder: Path) -> list[Path]:
    """Writes tables/, figures/ and report.html into a run folder; the paths written.

    Needs the folder alone, and writes the same tables every time.  Raises RunError where it is no run.
    """
    run = load_run(folder)
    with plots.drawing(run, run.folder / records.FIGURES) as draw:
        made = make_tables(run)
        written, shown = _write_tables(run, made)
        drawn = draw()
    written += [path for figure in drawn for path in (figure.png, figure.pdf)]
    page = run.folder / records.REPORT
    with records.replacing(page) as file:
        file.write(_page(run, made, shown, drawn).encode())
    return [*written, page]


def make_tables(run: Run) -> dict[str, pd.DataFrame]:
    """All tables of a run by name, in full precision, its score under the common name."""
    return {name: make(run) for name, (_, make) in TABLES.items()}


def _write_tables(run: Run, made: dict[str, pd.DataFrame]) -> tuple[list[Path], list[_Shown]]:
    """The files of the tables that are not empty, and what the page shows of them."""
    metric = run.study.metric
    written: list[Path] = []
    shown: list[_Shown] = []
    for name, own in made.items():
        if not len(own):
            continue
        table = relabelled(own, metric)
        written += tables.write(run.folder / records.TABLES, name, table, metric)
        text = tables.present(table, metric)
        rows = [list(row) for row in text.itertuples(index=False, name=None)]
        head = list(map(str, text.columns))
        title = worded(TABLES[name][0], metric)
        shown.append(_Shown(title, head, rows, f"{records.TABLES}/{name}.csv"))
    return written, shown


def _page(run: Run, made: dict[str, pd.DataFrame], shown: list[_Shown], drawn: list[plots.Drawn]) -> str:
    environment = Environment(
        loader=PackageLoader("analysis"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    metric = run.study.metric
    images = [
        (
            worded(figure.title, metric),
            base64.b64encode(figure.png.read_bytes()).decode("ascii"),
            figure.pdf.name,
        )
        for figure in drawn
    ]
    return environment.get_template("report.html.j2").render(
        study=run.study,
        answers=[worded(said, metric) for said in answer.answer(run, made)],
        warnings=[worded(said, metric) for said in answer.warnings(run, made)],
        tables=shown,
        figures=images,
        facts=_facts(run),
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    """How the run was made."""
    study = run.study
    took = seconds(float("nan") if study.seconds is None else study.seconds)
    return [
        ("command", study.command or "not recorded"),
        ("run", f"{study.name}/{study.run}, {study.state}, started {study.started}, took {took}"),
        ("problem", f"{study.problem} {_pairs(study.parameters)}".strip()),
        ("base settings", _pairs(study.base)),
        ("seeds", f"study {study.seed}; {_pairs(study.seeds)}"),
        ("replicates", f"{study.replicates} a trial, {study.cores} cores"),
        ("early stopping", _pairs(study.scheduler) or "none"),
        ("commit", study.commit or "not recorded"),
        ("versions", _pairs(study.versions) or "not recorded"),
        ("machine", _pairs(study.machine) or "not recorded"),
    ]


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
