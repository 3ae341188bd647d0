"""Where a run is kept."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from dgm_core.errors import ConfigurationError

_MOST_AT_ONCE = 1000
"""Runs of one study that may begin in one second."""


def make_folder(out: Path, study: str, run: str | None = None) -> Path:
    """Makes the folder `out/study/run`, named by the UTC time where `run` is None.

    Of two runs that begin in one second the later has a number after the time.  Raises ConfigurationError in
    one sentence where a named one exists, or the folder cannot be made.
    """
    if run is not None:
        return _made(out, study, run)
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for count in range(1, _MOST_AT_ONCE):
        with suppress(_ExistsError):
            return _made(out, study, now if count == 1 else f"{now}-{count}")
    return _made(out, study, now)


class _ExistsError(ConfigurationError):
    """The folder of that name is there already."""


def _made(out: Path, study: str, run: str) -> Path:
    if run in (".", "..") or not run.isprintable() or not run.strip() or any(mark in run for mark in "/\\"):
        raise ConfigurationError(f"{run!r} is not allowed as a run's name: it must be a plain folder name.")
    folder = (out / study / run).absolute()
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise _ExistsError(f"the run {folder} exists: choose another --name.") from None
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from None
    return folder


def discard_folder(folder: Path) -> None:
    """Removes a run folder that was made in vain, and `out/study` and `out` where they are empty then."""
    shutil.rmtree(folder)
    for parent in folder.parents[:2]:
        try:
            parent.rmdir()
        except OSError:
            return


def check_file(path: Path) -> None:
    """Raises ConfigurationError in one sentence where a file cannot be written later."""
    folder = path.absolute().parent
    if path.is_dir():
        raise ConfigurationError(f"{path} cannot be written: it is a folder.")
    if not folder.is_dir():
        raise ConfigurationError(f"{path} cannot be written: there is no folder {folder}.")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"{path} cannot be written: permission denied.")
