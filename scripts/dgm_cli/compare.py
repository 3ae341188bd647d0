"""`dgm compare`: several runs in one table."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from dgm_cli.common import output
from dgm_cli.places import Places, here
from dgm_core.errors import ConfigurationError
from studies.records.terminal import Column
from studies.records.terminal import table as view

SHOWN = [
    "run",
    "setting",
    "n",
    "diverged",
    "metric",
    "score",
    "score_low",
    "score_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "iterations",
    "seconds",
]

SPARED = ("time (s)", "iterations", "diverged", "n")
"""What goes first where the terminal is too narrow."""


def compare(
    places: Places,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv|FILE.html",
            help="Also write all columns as CSV, or an HTML page with settings and ratios.",
        ),
    ] = None,
) -> None:
    """Compare several runs: their confirmed settings and arms in one table.

    The terminal shows the columns that fit it; --out writes all of them.
    """
    from analysis.budgets import verdicts
    from analysis.called import distinct, names
    from analysis.load import load_run
    from analysis.tables import compare_table, present
    from studies.records.rebuild import settle

    runs = [here(place) for place in places]
    for run in runs:
        with suppress(OSError):  # a folder that cannot be written is compared as it stands
            settle(run)
    loaded = distinct([load_run(run) for run in runs])
    called = names(loaded)
    table = compare_table(loaded)
    if table.empty:
        raise ConfigurationError("these runs have no confirmed settings and no arms to compare.")
    if len(metrics := list(table["metric"].unique())) > 1:
        raise ConfigurationError(f"these runs are scored by different metrics: {', '.join(metrics)}.")
    shown = present(table.assign(run=table["folder"].map(called))[SHOWN])
    spare = dict(zip(SPARED, range(len(SPARED), 0, -1), strict=True))
    columns = [
        Column(str(name), [str(cell) for cell in shown[name]], spare=spare.get(str(name), 0))
        for name in shown.columns
    ]
    console = output()
    console.print(view(columns, console.width, fold=True))
    for each in loaded:
        if said := " ".join(verdicts(each)):
            console.print(f"{called[str(each.folder)]}: {said}", soft_wrap=True)
    if out is not None:
        from analysis.comparison import page

        text = page(loaded) if out.suffix == ".html" else table.to_csv(index=False)
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{out} cannot be written: {error.strerror}.") from None
