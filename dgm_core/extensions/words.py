"""An error in one line, with its place in a user's file."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

from dgm_core.errors import ConfigurationError


def said(error: BaseException) -> str:
    """An error in one line, with its kind unless it says of itself what is wrong."""
    if isinstance(error, ConfigurationError):
        return str(error)
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def placed(error: BaseException, own: Iterable[Path]) -> str:
    """The same, after the last line of the user's `own` files that it passed; empty where it passed none.

    Of an error that says what another one means, it is the last line that the other one passed.
    """
    files = {str(path) for path in own}
    if isinstance(error, SyntaxError) and error.filename in files:
        return f"{error.filename}, line {error.lineno}: {error.msg}."
    frames: list[traceback.FrameSummary] = []
    for one in (error.__cause__, error):
        passed = traceback.extract_tb(one.__traceback__) if one is not None else ()
        frames = frames or [frame for frame in passed if frame.filename in files]
    if not frames:
        return ""
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {said(error)}"
