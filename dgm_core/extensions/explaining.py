"""What went wrong in a loaded file, in a sentence with file and line."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from dgm_core.errors import ConfigurationError
from dgm_core.extensions import loading
from dgm_core.extensions.companions import companions
from dgm_core.extensions.words import placed


def explained(error: BaseException) -> str:
    """A sentence with the last line of the user's files that an error passed; empty where it passed none."""
    return placed(error, _own())


def in_own_words(error: ConfigurationError, cls: type) -> ConfigurationError:
    """The same error with a line of a user's file: the last that it passed, or that of the class."""
    where = explained(error)
    path = Path(getattr(sys.modules.get(cls.__module__), "__file__", None) or "")
    if not where and path in _own():
        where = f"{path}, line {_line(cls)}: {error}"
    return ConfigurationError(where) if where else error


def _own() -> list[Path]:
    return [companion for path in loading.files() for companion in companions(path)]


def _line(cls: type) -> int:
    try:
        return inspect.getsourcelines(cls)[1]
    except OSError:  # no class statement: made by a call
        return 1
