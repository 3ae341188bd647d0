"""Reads and writes a run's records: each file whole or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING

from studies.records.schema import STUDY, StudyRecord

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` when the body has ended, and is on disk then.

    Raises OSError where it cannot be written; what was there before is left as it was.
    """
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        partial = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    os.chmod(path, 0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def plain_name(text: str) -> str:
    """A name from a record as a file's: it leads into no other folder, whoever wrote the record."""
    return re.sub(r"[^\w.=+-]", "_", text)


def write_study(folder: Path, record: StudyRecord) -> None:
    """Writes study.json in one step."""
    with replacing(folder / STUDY) as file:
        file.write((record.model_dump_json(indent=2) + "\n").encode())


def read_study(folder: Path) -> StudyRecord:
    """Reads study.json.  Raises FileNotFoundError where the folder holds no run."""
    return StudyRecord.model_validate(json.loads((folder / STUDY).read_text()))


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Writes a Parquet file in one step."""
    with replacing(folder / name) as file:
        table.to_parquet(file, index=False, compression="zstd", write_page_checksum=True)


def typed(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The table with the given columns first, in order and of their types; others follow."""
    import pandas as pd

    absent = {name: pd.Series(pd.NA, index=table.index) for name in columns if name not in table}
    table = table.assign(**absent)
    rest = [name for name in table.columns if name not in columns]
    return table[[*columns, *rest]].astype(dict(columns))
