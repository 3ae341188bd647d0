"""A user's own files on the command line: `--with FILE`, or a path where a name is accepted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgm_core import extensions
from dgm_core.errors import ConfigurationError

if TYPE_CHECKING:
    from dgm_core.registry import Registry
    from studies.records import SourcesRecord

With = Annotated[
    list[Path] | None,
    typer.Option(
        "--with", metavar="FILE", help="Load a file of your own problems, networks or studies; repeatable."
    ),
]


def load_files(files: Sequence[Path] | None) -> None:
    """Loads what `--with` names."""
    for file in files or ():
        extensions.load(file)


Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Do not ask before running the Python files in the run folder and writing where it says.",
    ),
]


def trusted(run: Path, kept: SourcesRecord, trust: bool, *, writes: str | None = None) -> None:
    """Asks before code that a run folder keeps is run, or a file is written elsewhere because it says so.

    Not where this user made a run of the very same files on this machine (see `studies.trust`).
    Raises ConfigurationError where there is nobody to ask, or the answer is no.
    """
    acts = []
    if kept.main:
        acts.append(f"run code that it keeps ({', '.join(sorted(kept.sha256))})")
    if writes is not None:
        acts.append(f"write its model to {writes}")
    if trust or not acts:
        return
    from studies.trust import remembered

    if remembered(run, kept.main, writes):
        return
    warning = f"{run} would {' and '.join(acts)}"
    if not sys.stdin.isatty() or not typer.confirm(f"{warning}. Do so?", err=True):
        raise ConfigurationError(f"{warning}: look at it first, then give --trust.")


def is_file(text: str) -> bool:
    """Whether an argument is the path of a file, and no name."""
    return text.endswith(".py") or "/" in text


def named(registry: Registry[Any], text: str) -> str:
    """The name that an argument stands for: itself, or what the file defines whose path it is.

    Raises ConfigurationError where the file defines none, or several.
    """
    if not is_file(text):
        return text
    module = extensions.load(text)
    names = [name for name, _ in registry.find(module)]
    if not names:
        raise ConfigurationError(f"{text} defines no {registry.kind}.")
    if len(names) > 1:
        raise ConfigurationError(
            f"{text} defines more than one {registry.kind}: "
            f"give one of {', '.join(names)}, as in `{names[0]} --with {text}`."
        )
    return names[0]
