"""Makes the tables of a run again from its log and the pieces of its curves, without torch or Ray."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from studies.records.files import read_study, replacing, typed, write_study, write_table
from studies.records.history import History, read_history
from studies.records.lock import holder
from studies.records.log import LOG
from studies.records.schema import CURVE_KEYS, CURVES, DECISIONS, PIECES, TRIALS, StudyRecord
from studies.records.tables import decisions_frame, ordered, trials_frame


def write_tables(folder: Path, history: History, record: StudyRecord) -> None:
    """Writes the tables that follow from the log, and the curves of the trials that have left them."""
    write_table(folder, TRIALS, trials_frame(history, record.terms))
    if record.kind == "search":
        write_table(folder, DECISIONS, decisions_frame(history))
    write_curves(folder, history)


def write_curves(folder: Path, history: History) -> None:
    """Joins the curves of all trials that have left them into one file, one trial in memory at a time."""
    names = [f"{entry.spec.folder}.parquet" for entry in ordered(history.entries.values())]
    pieces = [path for name in names if (path := folder / PIECES / name).is_file()]
    if not pieces:
        empty = typed(pd.DataFrame({"loss": pd.Series(dtype="float32")}), CURVE_KEYS)
        write_table(folder, CURVES, empty)
        return
    schema = pq.read_schema(pieces[0])
    with replacing(folder / CURVES) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for piece in pieces:
            writer.write_table(pq.read_table(piece).cast(schema))


def settle(folder: Path) -> None:
    """Brings the tables of a run up to its log, where the process that ran it is gone without a word.

    Nothing where the run has no log, a process holds it, or its last one left it in order.  Raises LogError
    where the log is damaged and OSError where the tables cannot be written.
    """
    if not (folder / LOG).is_file() or holder(folder) is not None:
        return
    history = read_history(folder)
    if history.state != "running":
        return
    try:
        record = read_study(folder)
    except (OSError, ValueError):
        return  # whoever reads the run says so
    history.state = record.state = "interrupted"
    record.setups = {name: entry.spec.setup for name, entry in history.entries.items()}
    record.seconds = history.seconds
    try:
        write_tables(folder, history, record)
    except pa.ArrowException as error:
        raise OSError(f"{folder / PIECES} holds a damaged file: {error}") from None
    write_study(folder, record)
