"""`dgm list`: what there is to run and to solve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dgm_cli.common import output
from dgm_cli.own import With, load_files
from dgm_cli.runs import list_runs
from dgm_core import extensions
from dgm_core.errors import ConfigurationError, unknown

_KINDS: tuple[str, ...] = ("studies", "problems", "networks")


def list_all(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="`studies`, `problems`, `networks` or `samplers`; `runs` and a folder; or files of your "
            "own, to list what they define."
        ),
    ] = None,
    files: With = None,
) -> None:
    """List studies, problems and networks; `dgm list runs` lists runs."""
    if paths and str(paths[0]) == "runs":
        if len(paths) > 2:
            raise ConfigurationError("dgm list runs takes one folder of results.")
        list_runs(*paths[1:])
        return
    if paths and str(paths[0]) == "samplers":
        if len(paths) > 1:
            raise ConfigurationError("dgm list samplers takes no other argument.")
        load_files(files)
        _list_samplers()
        return
    shown = _KINDS
    if paths and str(paths[0]) in _KINDS:
        shown = (str(paths.pop(0)),)
    for path in paths or ():
        if not path.suffix and not path.exists():
            raise unknown("list", str(path), [*_KINDS, "samplers", "runs"])
    from dgm_core.networks import NETWORKS
    from dgm_core.problems import PROBLEMS
    from studies.catalog import STUDIES
    from studies.study import Search

    load_files(files)
    modules = [extensions.load(path) for path in paths or ()]
    studies_shown, problems_shown, networks_shown = (
        [name for module in modules for name, _ in registry.find(module)] if modules else registry.names()
        for registry in (STUDIES, PROBLEMS, NETWORKS)
    )
    console = output()
    studies = _table("dgm run …", "study", "kind", "question")
    for name in studies_shown:
        study = STUDIES.get(name)
        studies.add_row(name, "search" if isinstance(study, Search) else "ablation", study.question)
    problems = _table("dgm solve …", "problem", "settings", "source")
    for name in problems_shown:
        problem = PROBLEMS.get(name)
        source = problem.source or (problem.__doc__ or "").strip().partition("\n")[0]
        problems.add_row(name, ", ".join(problem.settings), source)
    for kind, table in (("studies", studies), ("problems", problems)):
        if table.row_count and kind in shown:
            console.print(table)
            console.print()
    if networks_shown and "networks" in shown:
        console.print(f"networks: {', '.join(networks_shown)}")


def _list_samplers() -> None:
    """Samplers, with what they need, rules of early stopping, objectives beside the error, and Ray Tune's."""
    from studies.objectives import OBJECTIVES
    from studies.samplers import SAMPLERS
    from studies.stopping import RULES
    from studies.tune.offered import POPULATIONS, SCHEDULERS, SEARCHERS

    console = output()
    for title, kind, registry in (
        ("dgm run … --sampler", "sampler", SAMPLERS),
        ("dgm run … --early-stopping", "rule", RULES),
        ("dgm run … --objectives error,…", "objective", OBJECTIVES),
    ):
        table = _table(title, kind, "what it is", "needs")
        for name in registry.names():
            entry = registry.get(name)
            description = sys.modules[entry.__module__].__doc__ or entry.__doc__ or ""
            table.add_row(name, description.strip().partition("\n")[0], getattr(entry, "package", None) or "")
        console.print(table)
        console.print()
    for title, kind, offered in (
        ("dgm run … --searcher (Ray Tune's; results count in the order of arrival)", "searcher", SEARCHERS),
        ("dgm run … --scheduler (likewise)", "scheduler", SCHEDULERS | POPULATIONS),
    ):
        table = _table(title, kind, "what it is", "needs")
        for name, each in offered.items():
            table.add_row(name, each.what, each.needs)
        console.print(table)
        console.print()


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, title=title, title_justify="left")
