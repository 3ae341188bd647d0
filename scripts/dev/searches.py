"""The search that a development tool is asked about."""

from __future__ import annotations

import typer

from studies.catalog import load_study
from studies.study import Search


def load_search(name: str) -> Search:
    """The search of that name.  Raises typer.BadParameter where the study is not a search."""
    study = load_study(name)
    if not isinstance(study, Search):
        raise typer.BadParameter(f"{name} is not a search, so it has no space")
    return study
