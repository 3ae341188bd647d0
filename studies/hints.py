"""Commands that people are told to go on with, as they can be typed.  The standard library alone."""

from __future__ import annotations

import shlex
from pathlib import Path


def quoted(place: Path | str) -> str:
    """A folder as it can be typed, from here where it is below here; a store's address as it is."""
    if isinstance(place, Path) and place.is_relative_to(Path.cwd()):
        place = place.relative_to(Path.cwd())
    return shlex.quote(str(place))


def resume_command(place: Path | str) -> str:
    """The command that goes on with a run."""
    return f"dgm resume {quoted(place)}"


def resume_hint(place: Path | str) -> str:
    """How to go on with a run."""
    return f"go on with: {resume_command(place)}"


def report_hint(place: Path | str) -> str:
    """How to make a run's report."""
    return f"make its report with: dgm report {quoted(place)}"


def left_hint(place: Path | str) -> str:
    """What is said of a run that was interrupted and has something to show."""
    return (
        f"interrupted; what was done is kept; {resume_hint(place)}, "
        f"or look at it with: dgm report {quoted(place)}"
    )
