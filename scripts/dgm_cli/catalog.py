"""`dgm list`: what there is to run and to solve."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table


def list_all() -> None:
    """List the studies, problems and networks."""
    from dgm_core.networks import NETWORKS
    from dgm_core.problems import PROBLEMS
    from studies.catalog import load_studies
    from studies.study import Search

    console = Console(highlight=False)
    studies = _table("dgm run …", "study", "kind", "question")
    for study in load_studies().values():
        kind = "search" if isinstance(study, Search) else "ablation"
        studies.add_row(study.name, kind, study.question)
    problems = _table("dgm solve …", "problem", "settings", "source")
    for name in PROBLEMS:
        problem = PROBLEMS.get(name)
        problems.add_row(name, ", ".join(problem.settings), problem.source)
    console.print(studies)
    console.print()
    console.print(problems)
    console.print()
    console.print(f"networks: {', '.join(NETWORKS)}")


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, title=title, title_justify="left")
