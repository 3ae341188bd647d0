"""`dgm report`: a run's tables, figures and page, from its folder alone."""

from __future__ import annotations

from pathlib import Path

from dgm_cli.common import messages
from dgm_cli.places import Place, here
from dgm_core.errors import ConfigurationError, counted


def report(place: Place) -> None:
    """Remake a run's tables, figures and report from its records."""
    run = here(place)
    written = remade(run)
    messages.print(
        f"{counted(len(written), 'file')} written: {run}/tables, {run}/figures and {run}/report.html"
    )


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
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"{run} holds values that no study writes: {said}") from error
