"""What runs are called where several are told of at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from analysis.load import Run


def distinct(runs: Sequence[Run]) -> list[Run]:
    """The runs in their order, each folder once."""
    first: dict[Path, Run] = {}
    for run in runs:
        first.setdefault(run.folder.resolve(), run)
    return list(first.values())


def names(runs: Sequence[Run]) -> dict[str, str]:
    """Folder to its run's name: study and run and, where others have the same, more of the path."""
    called = {str(run.folder): f"{run.study.name}/{run.study.run}" for run in runs}
    for name in [name for name, times in Counter(called.values()).items() if times > 1]:
        places = {folder: Path(folder).resolve().parts for folder, its in called.items() if its == name}
        deepest = max(map(len, places.values()))
        depth = next(
            (n for n in range(2, deepest) if len({parts[-n:] for parts in places.values()}) == len(places)),
            deepest,
        )
        called |= {folder: "/".join(parts[-depth:]) for folder, parts in places.items()}
    return called
