"""`dgm report`: a run's tables, figures and page, from its folder alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dgm_cli.common import messages
from dgm_cli.places import Place, here
from dgm_core.errors import ConfigurationError, counted
from studies.hints import quoted

_FORMATS = ("pdf", "png", "svg")


def report(
    place: Place,
    columns: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=2,
            metavar="1|2",
            help="Only draw the figures, one or two columns of a journal wide with the same text size, into "
            "figures/one-column or figures/two-columns; repeatable.",
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="|".join(_FORMATS),
            help="Only draw the figures, in this format (default with --columns: pdf); repeatable.  Without "
            "--columns they are as wide as in the report.",
        ),
    ] = None,
) -> None:
    """Make a run's tables, figures and report again, or draw its figures for a paper."""
    run = here(place)
    if columns or kinds:
        wrong = next((kind for kind in kinds or () if kind not in _FORMATS), None)
        if wrong is not None:
            raise ConfigurationError(f"--format {wrong}: a figure's format is pdf, png or svg")
        drawn = _published(run, list(dict.fromkeys(columns or [])) or [None], kinds or ["pdf"])
        for folder in dict.fromkeys(path.parent for path in drawn):
            count = len({path.stem for path in drawn if path.parent == folder})
            messages.print(f"{counted(count, 'figure')} written: {quoted(folder)}", soft_wrap=True)
        return
    written = remade(run)
    shown = quoted(run)
    messages.print(
        f"{counted(len(written), 'file')} written: {shown}/tables, {shown}/figures and {shown}/report.html"
    )


def _published(run: Path, columns: Sequence[int | None], kinds: Sequence[str]) -> list[Path]:
    from analysis.load import load_run
    from analysis.plots import publish
    from studies.records import FIGURES

    loaded, formats = load_run(run), list(dict.fromkeys(kinds))
    return [path for width in columns for path in publish(loaded, run / FIGURES, width, formats)]


def remade(run: Path) -> list[Path]:
    """Makes a run's report again, and of its records those that follow from its log; the files written.

    Raises ConfigurationError where the folder holds no run, or what no study writes.
    """
    from analysis.report import make_report
    from studies.records.rebuild import settle

    settle(run)
    try:
        return make_report(run)
    except ConfigurationError:
        raise
    except ValueError as error:
        # The files can be read, and what they hold cannot be drawn: it was not written by a study.
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"{run} has values that no study writes: {cause}") from error
