"""Where a run is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from dgm_core import ConfigurationError


def make_folder(out: Path, study: str, run: str | None = None) -> Path:
    """Makes the folder `out/study/run`, named by the UTC time where `run` is None.

    Raises ConfigurationError in one sentence where it exists or cannot be made.
    """
    run = datetime.now(UTC).strftime("%Y%m%d-%H%M%S") if run is None else run
    if not run or run in (".", "..") or any(mark in run for mark in "/\\\0"):
        raise ConfigurationError(f"{run!r} is not allowed as a run's name: it must be a plain folder name.")
    folder = (out / study / run).absolute()
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise ConfigurationError(f"the run {folder} exists: choose another --name.") from None
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from None
    return folder
