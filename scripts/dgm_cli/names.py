"""Names of studies and problems, known before anything heavy is imported: a typo is answered at once."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from dgm_cli.own import is_file
from dgm_core.errors import ConfigurationError, nearest, unknown
from dgm_core.extensions import GROUP

Kind = Literal["study", "problem"]
_PACKAGES: dict[Kind, str] = {"study": "studies.catalog", "problem": "dgm_core.problems"}
_COMMANDS: dict[Kind, str] = {"study": "dgm run", "problem": "dgm solve"}
_KINDS: tuple[Kind, ...] = ("study", "problem")


@cache
def names(kind: Kind) -> list[str]:
    """Those of the program itself, by its files; nothing is imported."""
    spec = find_spec(_PACKAGES[kind])
    places = None if spec is None else spec.submodule_search_locations
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(places))


def check_name(text: str, *kinds: Kind, files: Sequence[Path] | None = None) -> None:
    """Refuses a name that no file of the program and none of the user's can define.

    Raises ConfigurationError, with the command that takes it where it is of another kind.
    """
    known = [name for kind in kinds for name in names(kind)]
    if is_file(text) or text in known:
        return
    for other in (kind for kind in _KINDS if kind not in kinds):
        if text in names(other):
            raise ConfigurationError(f"{text!r} is a {other}: {_COMMANDS[other]} {text}.")
    if files or entry_points(group=GROUP):
        return  # they may define it, and are imported later
    kind = " or ".join(kinds)
    theirs = {name: other for other in _KINDS if other not in kinds for name in names(other)}
    near = nearest(text, [*known, *theirs], 1)
    if near and near[0] in theirs:
        other = theirs[near[0]]
        meant = f"{_COMMANDS[other]} {near[0]}"
        raise ConfigurationError(f"unknown {kind} {text!r}. Did you mean the {other} ({meant})?")
    raise unknown(kind, text, known)


def completed(*kinds: Kind) -> Sequence[str]:
    """What a shell may complete an argument to."""
    return [name for kind in kinds for name in names(kind)]
