"""Which run folders hold code that this user has run from here already: then nobody has to be asked again.

A mark is the SHA-256 of everything that such a folder would run, in a folder that is the user's alone.  It
is left when a run is made, of what is in the folder then, and compared with what is there when it is to be
run: a folder that came from elsewhere, or was changed, has none.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from studies.records import SOURCES


def remember(run: Path, main: Sequence[str], writes: str | None = None) -> None:
    """Marks what a run folder keeps as made by this user here; leaves no mark where that is impossible."""
    try:
        home = _home()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _own(home):
            (home / _digest(run, main, writes)).touch(mode=0o600)
    except OSError:
        return  # then it is asked


def remembered(run: Path, main: Sequence[str], writes: str | None = None) -> bool:
    """Whether what a run folder would run now, and where it would write, was marked by this user here."""
    try:
        home = _home()
        mark = home / _digest(run, main, writes)
        return _own(home) and _own(mark)
    except OSError:
        return False


def _home() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "dgm-studies" / "made-here"


def _own(path: Path) -> bool:
    """Whether a file or folder is this user's, and nobody else can write it."""
    status = path.lstat()
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.getuid() and not others and not stat.S_ISLNK(status.st_mode)


def _digest(run: Path, main: Sequence[str], writes: str | None) -> str:
    """Of every file under the folder's sources, compiled ones too: Python would run them."""
    folder = run / SOURCES
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    content = {"main": list(main), "files": files, "writes": writes}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
