"""`dgm compare`: several runs in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dgm_core.errors import ConfigurationError


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    out: Annotated[Path | None, typer.Option(help="Also write the table here as CSV.")] = None,
) -> None:
    """Put the confirmed settings and arms of several runs into one table."""
    from analysis.load import RunError, load_run
    from analysis.tables import compare_table, present

    try:
        table = compare_table([load_run(run) for run in runs])
    except RunError as error:
        raise ConfigurationError(str(error)) from None
    shown = present(table)
    view = Table(*map(str, shown.columns), box=None, pad_edge=False)
    for row in shown.itertuples(index=False):
        view.add_row(*map(str, row))
    Console(highlight=False).print(view)
    if out is not None:
        try:
            table.to_csv(out, index=False)
        except OSError as error:
            raise ConfigurationError(f"{out} cannot be written: {error.strerror}.") from None
