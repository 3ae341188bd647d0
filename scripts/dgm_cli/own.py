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
    typer.Option("--with", metavar="FILE", help="A file of problems, networks, studies; repeatable."),
]


def load_files(files: Sequence[Path] | None) -> None:
    """Loads what `--with` names."""
    for file in files or ():
        extensions.load(file)


Trust = Annotated[bool, typer.Option("--trust", help="Run the files of one's own that the run folder keeps.")]


def trusted(run: Path, kept: SourcesRecord, trust: bool) -> None:
    """Asks before code that a run folder keeps is run, where there is someone to ask.

    Raises ConfigurationError where there is not, or the answer is no.
    """
    if trust or not kept.main:
        return
    names = ", ".join(sorted(kept.sha256))
    question = f"{run} keeps code that will be run ({names}). Run it?"
    if not sys.stdin.isatty() or not typer.confirm(question, err=True):
        raise ConfigurationError(
            f"{run} keeps code of its own ({names}): look at it under {run}/sources, "
            "and give --trust to run it."
        )


def named(registry: Registry[Any], text: str) -> str:
    """The name that an argument stands for: itself, or what the file defines whose path it is.

    Raises ConfigurationError where the file defines none, or several.
    """
    if not text.endswith(".py") and "/" not in text:
        return text
    module = extensions.load(text)
    names = [name for name, _ in registry.find(module)]
    if not names:
        raise ConfigurationError(f"{text} defines no {registry.kind}.")
    if len(names) > 1:
        raise ConfigurationError(
            f"{text} defines more than one {registry.kind}: "
            f"give one of {', '.join(names)}, and --with {text}."
        )
    return names[0]
