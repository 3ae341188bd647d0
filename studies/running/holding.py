"""A run folder while a process trains into it: locked, and kept whatever fails."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from dgm_core import ConfigurationError
from dgm_core.extensions import explained
from studies.errors import StudyError
from studies.failures import disk_full, keep_traceback
from studies.hints import resume_hint
from studies.records.folders import discard_folder
from studies.records.lock import held
from studies.records.schema import FAILURES, STUDY
from studies.records.storage import StoreError
from studies.signals import going_on, terminable


@contextmanager
def holding(folder: Path, command: str) -> Iterator[None]:
    """Holds the run's lock; a full disk, or a store that is lost, is one sentence wherever it shows.

    Raises StudyError for those, for an interrupt that the study has not seen to, for what a user's own code
    raises here, whose traceback is kept, and where another process holds the run.
    """
    try:
        with terminable(), going_on(partial(_again, folder)), held(folder, command):
            yield
    except StoreError as error:
        raise _no_store(folder, error) from error
    except (StudyError, ConfigurationError):
        raise
    except Exception as error:
        if isinstance(error.__cause__, StoreError):  # Tune wraps what its callbacks raise
            raise _no_store(folder, error.__cause__) from error
        if disk_full(f"{error} {error.__cause__}"):
            raise no_room(folder) from error
        if not (where := explained(error)):
            raise
        kept = keep_traceback(folder, "study", "".join(traceback.format_exception(error)))
        raise StudyError(
            f"{where} (the traceback is in {folder / FAILURES / kept}); what was recorded is kept; "
            f"{resume_hint(folder)}"
        ) from error


def _again(folder: Path) -> str:
    if (folder / STUDY).is_file():
        return f"what was done is kept; {resume_hint(folder)}"
    discard_folder(folder)
    return "nothing was begun."


def no_room(folder: Path) -> StudyError:
    """What is said where the disk is full; a run that has not begun is removed."""
    if not (folder / STUDY).is_file():
        discard_folder(folder)
        return StudyError(f"the disk of {folder} is full: nothing was begun.")
    return StudyError(
        f"the disk of {folder} is full: what was recorded is kept; when there is room, {resume_hint(folder)}"
    )


def _no_store(folder: Path, error: StoreError) -> StudyError:
    said = str(error).rstrip(".")
    return StudyError(f"{said}: what was recorded is kept; {resume_hint(folder)}")
