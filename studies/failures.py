"""What is kept where something fails: full disks, tracebacks."""

from __future__ import annotations

from pathlib import Path

from studies.records.schema import FAILURES

_FULL = ("No space left on device", "Disk quota exceeded", "database or disk is full")


def disk_full(text: str) -> bool:
    """Whether an error's message is that of a full disk."""
    return any(said in text for said in _FULL)


def keep_traceback(folder: Path, trial: str, text: str) -> str:
    """Writes the traceback of a trial, named as `Trial.folder`, or of the study; the file's name."""
    path = folder / FAILURES / f"{trial}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path.name
