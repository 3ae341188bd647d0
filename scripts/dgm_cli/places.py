"""Where runs are: a folder, or a bucket whose copy is fetched into one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

S3 = "s3://"

Place = Annotated[
    str, typer.Argument(metavar="RUN", help="A run folder, or s3://BUCKET/PREFIX/STUDY/RUN of a copy.")
]
Places = Annotated[
    list[str], typer.Argument(metavar="RUN…", help="Run folders, or s3://BUCKET/PREFIX/STUDY/RUN of copies.")
]
Storage = Annotated[
    str | None,
    typer.Option(
        metavar="PLACE",
        help="A folder or s3://BUCKET/PREFIX that all nodes reach, for checkpoints and a copy of the run.",
    ),
]

RESULTS = Path("results")
"""Where copies of runs in buckets are kept, as the runs of this machine are."""


def here(run: str, out: Path = RESULTS) -> Path:
    """The folder of a run, brought up to what a bucket holds of it where it is there.

    Raises ConfigurationError where the bucket holds no run, or the folder another one.
    """
    if not run.startswith(S3):
        return Path(run)
    from studies.records.storage import Store
    from studies.records.storage.copy import bring_up

    store = Store.at(run)
    study, name = ["run", *store.path.split("/")][-2:]
    folder = (out / study / name).absolute()
    bring_up(folder, store)
    return folder


@contextmanager
def glance(run: str) -> Iterator[Path]:
    """A folder with what says how a run stands; of a bucket's run it is there while the body runs."""
    if not run.startswith(S3):
        yield Path(run)
        return
    from studies.records import STUDY
    from studies.records.lock import OWNER
    from studies.records.storage import Store
    from studies.records.storage.copy import fetch

    with tempfile.TemporaryDirectory(prefix="dgm-") as folder:
        fetch(Path(folder), Store.at(run), (STUDY, OWNER))
        yield Path(folder)
