"""`dgm report`: a run's tables, figures and page, from its folder alone."""

from __future__ import annotations

from dgm_cli.common import messages
from dgm_cli.places import Place, here
from dgm_core.errors import ConfigurationError


def report(place: Place) -> None:
    """Remake a run's tables, figures and report from its records."""
    from analysis.load import RunError
    from analysis.report import make_report
    from studies.records.rebuild import settle

    run = here(place)
    settle(run)
    try:
        written = make_report(run)
    except RunError as error:
        raise ConfigurationError(str(error)) from None
    except ValueError as error:
        # The files can be read, and what they hold cannot be drawn: it was not written by a study.
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"{run} holds values that no study writes: {said}") from error
    messages.print(f"{len(written)} files written: {run}/tables, {run}/figures and {run}/report.html")
