"""A run folder, opened: its record, or one sentence that says why there is none."""

from __future__ import annotations

from pathlib import Path

from dgm_core.errors import ConfigurationError
from studies.records.files import read_study
from studies.records.schema import STUDY, StudyRecord


def open_run(folder: Path) -> StudyRecord:
    """The record of a run.

    Raises ConfigurationError where the folder is no run, cannot be read, or its record is damaged.
    """
    try:
        return read_study(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(f"{folder} is no run: it holds no {STUDY}.") from None
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{folder / STUDY} is damaged: it is no record of a study.") from None
