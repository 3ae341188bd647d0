"""Which setup a run holds under a trial's name, an arm's, or none."""

from __future__ import annotations

from typing import Any

from dgm_core.errors import ConfigurationError, unknown
from studies.records.schema import StudyRecord

_CONFIRMED = "confirm-winner"


def recorded_setup(record: StudyRecord, trial: str | None = None) -> tuple[str, dict[str, Any]]:
    """The name and the setup of a trial or an arm; by default the confirmed winner's, or the only one.

    Raises ConfigurationError for a name that the run does not hold, and where there is none to choose.
    """
    setups = record.setups
    if trial is None:
        trial = _CONFIRMED if _CONFIRMED in setups else next(iter(setups)) if len(setups) == 1 else None
    if trial is None:
        raise ConfigurationError(f"{record.name}/{record.run} holds several setups: name a trial or an arm.")
    if trial in setups:
        return trial, setups[trial]
    raise unknown("trial of this run", trial, setups)
