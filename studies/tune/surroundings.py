"""What Ray needs of its surroundings: a folder for its sockets, and a token that all its parts know."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from studies.errors import StudyError

FOLDER = "RAY_TMPDIR"
TOKEN = "RAY_AUTH_TOKEN"
_TOKEN_FILE = "RAY_AUTH_TOKEN_PATH"
_SOCKET = "ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.12345"
"""The longest name of a socket of Ray's below that folder."""
_MOST_BYTES = 107
"""Of a socket's path on Linux (sun_path, unix(7)); 103 elsewhere, where a folder this long is rare."""
_SHORT = ("/tmp", "/var/tmp", "/dev/shm", "/run/user/{user}")


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """Sets a variable of this process's environment for the body."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def ray_folder(environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Where Ray is to keep its files, and a sentence on why; None and None where its own choice will do.

    Ray takes TMPDIR, whose path can be too long for a socket's, as those are that batch systems give each
    job.  Raises StudyError where no folder is short enough and can be written.
    """
    name = FOLDER if FOLDER in environment else "TMPDIR"
    given = environment.get(name)
    if given is None or not (problem := _problem(given)):
        return None, None
    for short in (*(place.format(user=os.getuid()) for place in _SHORT), tempfile.gettempdir()):
        if not _problem(short):
            return short, f"Ray's files are in {short}/ray: {name} ({given}) {problem}."
    raise StudyError(
        f"Ray has no folder for its sockets: {name} ({given}) {problem}, and none of "
        f"{', '.join(_SHORT)} can be written. Set RAY_TMPDIR to a short one."
    )


def _problem(folder: str) -> str | None:
    """What keeps Ray from using a folder."""
    room = _MOST_BYTES - len(os.fsencode(_SOCKET)) - 1
    if len(os.fsencode(os.path.abspath(folder))) > room:
        return f"has {len(os.fsencode(folder))} bytes, and a socket's path leaves room for {room}"
    there = Path(folder).absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    return None if os.access(there, os.W_OK | os.X_OK) and there.is_dir() else "cannot be written"


def ray_token(environment: Mapping[str, str]) -> str | None:
    """A new token for the environment, where Ray can neither find one nor write the file of its own.

    Ray keeps that below the home folder, which containers may not have.
    """
    if environment.get(TOKEN) or environment.get(_TOKEN_FILE):
        return None
    home = environment.get("HOME")
    if home:
        folder = Path(home) / ".ray"
        if os.access(folder / "auth_token", os.R_OK):
            return None
        there = folder if folder.exists() else Path(home)
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            return None
    return secrets.token_hex(32)
