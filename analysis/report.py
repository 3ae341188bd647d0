"""Remakes a run's tables, figures and report from its folder alone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import answer, citing, doubts, explorer, family, plots, settings, tables
from analysis.load import Run, load_run
from analysis.page import ReportTable, asset, plain_table, render, rounded_table
from analysis.tables.rounding import seconds
from studies import records
from studies.records.words import counted

TABLES: dict[str, tuple[str, Callable[[Run], pd.DataFrame]]] = {
    "summary": ("Confirmed settings", tables.summary_table),
    "arms": ("Arms", tables.arms_table),
    "budgets": ("At equal budgets", tables.budget_table),
    "factors": ("Each factor's levels, over all levels of the other", tables.factor_table),
    "correlation": ("Does a lower loss mean a lower {noun}?", tables.correlation_table),
    "polish": ("What the polish did", tables.polish_table),
    "family": ("The error along each parameter", family.family_table),
    "early-stopping": ("What early stopping saw and did", tables.decisions_table),
    "front": ("The front: error against cost, confirmed", tables.front_table),
    "best-by-budget": ("The best setting for each budget", tables.budgets_table),
    "rivals": ("The next best trials", tables.rivals_table),
    "audit": ("Stopped trials, trained to their ends", tables.audit_table),
    "revived": ("Stopped trials, revived by hand", tables.revived_table),
    "path": ("From the baseline to the winner, one setting at a time", tables.path_table),
    "importance": ("Which settings set the best quarter of the trials apart", tables.importance_table),
    "flatness": ("How far each setting can move before the {noun} doubles", tables.flatness_table),
    "counts": ("Trials", tables.counts_table),
    "trials": ("Every trial", tables.trials_table),
}
"""File name, title and maker of each table, in the order of the report; {noun} is an error or a residual."""


MAIN = ("summary", "arms", "counts")
"""The tables that say why to trust the answer; the others are folded."""
FIRST = ("front", "best-so-far", "error-by-factor", "error-curves", "solution-")
"""The figure beside the answer: the first of these that there is."""


_PER_INCH = 140
"""CSS pixels of the page for an inch of a figure."""
_ALL = "All settings."


@dataclass(frozen=True)
class _Picture:
    """A figure as the page shows it."""

    name: str
    title: str
    finding: str
    alt: str
    image: str
    width: int
    """Of the page, in CSS pixels: letters are then as large in narrow figures as in wide ones."""
    pdf: str


def make_report(folder: Path) -> list[Path]:
    """Writes tables/, figures/ and report.html into a run folder; the paths written.

    Needs the folder alone, and writes the same tables every time.  Raises ConfigurationError where it is no
    run.
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
    """All tables of a run by name, in full precision."""
    return {name: make(run) for name, (_, make) in TABLES.items()}


def _write_tables(run: Run, made: dict[str, pd.DataFrame]) -> tuple[list[Path], list[ReportTable]]:
    """The files of the tables that are not empty, and what the page shows of them."""
    written: list[Path] = []
    shown: list[ReportTable] = []
    for name, table in made.items():
        if not len(table):
            continue
        written += tables.write(run.folder / records.TABLES, name, table)
        title = TABLES[name][0].format(noun=run.noun)
        shown.append(rounded_table(name, title, table, f"{records.TABLES}/{name}.csv"))
    return written, shown


def _page(run: Run, made: dict[str, pd.DataFrame], shown: list[ReportTable], drawn: list[plots.Drawn]) -> str:
    written = answer.answer(run, made)
    pictures = [_picture(figure) for figure in drawn]
    first = next((picture for name in FIRST for picture in pictures if picture.name.startswith(name)), None)
    return render(
        "report.html.j2",
        study=run.study,
        verdict=written.verdict,
        grounds=written.grounds,
        warnings=doubts.warnings(run, made),
        first=first,
        settings=plain_table(_compared(run), settings.differences(run)),
        fold_settings=_compared(run) == _ALL,  # nothing is compared
        space=plain_table("What was searched", settings.space_table(run)),
        sampled=settings.sampled(run),
        main=[table for table in shown if table.name in MAIN],
        tables=[table for table in shown if table.name not in MAIN],
        figures=[picture for picture in pictures if picture is not first],
        methods=citing.methods(run),
        bibtex=citing.bibtex(run),
        facts=_facts(run),
        css=asset("report.css"),
        scripts=[asset(name) for name in ("solution.js", "explorer.js")],
        explorer=_explorer(run, shown),
    )


def _explorer(run: Run, shown: list[ReportTable]) -> dict[str, str] | None:
    """What the explorer needs; None of a run without trials."""
    if run.trials.empty:
        return None
    suffixes = ("csv", "md", "tex")
    places = {table.name: run.folder / records.TABLES / table.name for table in shown}
    copies = {
        name: {suffix: place.with_suffix(f".{suffix}").read_text(encoding="utf-8") for suffix in suffixes}
        for name, place in places.items()
    }
    return {"data": explorer.data(run, copies), "library": explorer.library()}


def _picture(figure: plots.Drawn) -> _Picture:
    finding, caption = figure.said()
    image = base64.b64encode(figure.png.read_bytes()).decode("ascii")
    alt = f"{finding}. {caption}"
    return _Picture(figure.name, figure.title, finding, alt, image, figure.wide(_PER_INCH), figure.pdf.name)


def _compared(run: Run) -> str:
    if run.study.winner is not None and run.study.confirmed_baseline is not None:
        return "Every setting in which winner and baseline differ; all others are the same."
    return "What the arms change." if run.study.arms else _ALL


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
        ("replicates", f"{study.replicates} a trial, {counted(study.cores, 'core')}"),
        ("early stopping", _pairs(study.scheduler) or "none"),
        ("commit", study.commit or "not recorded"),
        ("versions", _pairs(study.versions) or "not recorded"),
        ("machine", _pairs(study.machine) or "not recorded"),
    ]


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
