"""An error in one line, with its place in a user's file."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

from dgm_core.errors import ConfigurationError


def in_one_line(error: BaseException) -> str:
    """An error in one line, with its kind unless it says of itself what is wrong."""
    if isinstance(error, ConfigurationError):
        return str(error)
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def placed(error: BaseException, files: Iterable[Path]) -> str:
    """The same, after the last line of the user's `files` that it passed; empty where it passed none.

    Where an error has a cause, it is the last line that the cause passed.
    """
    names = {str(path) for path in files}
    if isinstance(error, SyntaxError) and error.filename in names:
        return f"{error.filename}, line {error.lineno}: {error.msg}."
    frames: list[traceback.FrameSummary] = []
    for failure in (error.__cause__, error):
        passed = traceback.extract_tb(failure.__traceback__) if failure is not None else ()
        frames = frames or [frame for frame in passed if frame.filename in names]
    if not frames:
        return ""
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {in_one_line(error)}"
