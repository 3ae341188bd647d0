"""Makes the tables of a run again from its log and the pieces of its curves, without torch or Ray."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from studies.records.files import read_study, replacing, typed, write_study, write_table
from studies.records.history import History, read_history
from studies.records.lock import holder
from studies.records.log import LOG, LogError
from studies.records.opening import open_run
from studies.records.parquet import whole
from studies.records.schema import (
    CURVE_KEYS,
    CURVES,
    DECISIONS,
    PIECES,
    SOLUTIONS,
    STUDY,
    TRIALS,
    StudyRecord,
)
from studies.records.tables import decisions_frame, ordered, trials_frame

_logger = logging.getLogger(__name__)


def write_tables(folder: Path, history: History, record: StudyRecord, *, out: Path | None = None) -> None:
    """Writes the tables that follow from the log, and the curves of the trials that have left them.

    Into the run folder, or into `out`.
    """
    out = folder if out is None else out
    write_table(out, TRIALS, trials_table(folder, history, record))
    if record.kind == "search":
        write_table(out, DECISIONS, _made(folder, lambda: decisions_frame(history)))
    write_curves(folder, history, out)


def trials_table(folder: Path, history: History, record: StudyRecord) -> pd.DataFrame:
    """See `trials_frame`.  Raises LogError where the log of a run does not go together with study.json."""
    return _made(folder, lambda: trials_frame(history, record.terms, record.metric))


def _made(folder: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A table of what the log says.  Raises LogError where it does not go together with study.json."""
    try:
        return make()
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise LogError(
            f"{folder / LOG} or {folder / STUDY} is damaged: they contradict each other ({said})."
        ) from None


def write_curves(folder: Path, history: History, out: Path) -> None:
    """Joins the curves of all trials that have left them into one file, one trial in memory at a time."""
    names = [f"{entry.spec.folder}.parquet" for entry in ordered(history.entries.values())]
    pieces = [path for name in names if readable(path := folder / PIECES / name)]
    if not pieces:
        empty = typed(pd.DataFrame({"loss": pd.Series(dtype="float32")}), CURVE_KEYS)
        write_table(out, CURVES, empty)
        return
    schema = max(map(pq.read_schema, pieces), key=len)
    with (
        replacing(out / CURVES) as file,
        pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for piece in pieces:
            writer.write_table(_complete(pq.read_table(piece), schema))


def _complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """With a polish of no step where the curves are of before polishes were recorded."""
    if "polish" in schema.names and "polish" not in table.column_names:
        nothing = pa.array([0] * len(table), schema.field("polish").type)
        table = table.append_column("polish", nothing)
    return table.select(schema.names).cast(schema)


def readable(path: Path) -> bool:
    """Whether a Parquet file is there and whole; one that is damaged is named."""
    if not path.is_file():
        return False
    if whole(path):
        return True
    _logger.warning("%s is damaged: it is left out.", path)
    return False


def snapshot(folder: Path, out: Path) -> None:
    """Writes a run's records as they stand into another folder, for a report that leaves the run untouched.

    Of a run that is finished they are links.  Raises ConfigurationError where the folder holds no run
    or a damaged study.json, LogError where its log is damaged, and OSError where something cannot be read or
    written.
    """
    record, history = open_run(folder), read_history(folder)
    out.mkdir(parents=True, exist_ok=True)
    links = [SOLUTIONS]
    if record.state == "finished" or not history.entries:
        links += [STUDY, TRIALS, DECISIONS, CURVES]
    else:
        record.state = "interrupted" if holder(folder) is None else "running"
        record.seconds = history.seconds
        try:
            write_tables(folder, history, record, out=out)
        except (pa.ArrowException, ValueError) as error:
            raise OSError(f"{folder / PIECES} holds a damaged file: {error}") from None
        write_study(out, record)
    for name in links:
        (out / name).unlink(missing_ok=True)
        if (folder / name).is_file():
            (out / name).symlink_to((folder / name).absolute())


def settle(folder: Path) -> None:
    """Brings the tables of a run up to its log, where the process that ran it is gone without a word.

    Of a run that is finished, those that follow from the log alone are made again where they are damaged.
    Nothing where the run has no log or a process holds it.  Raises LogError where the log is damaged and
    OSError where the tables cannot be written.
    """
    if not (folder / LOG).is_file() or holder(folder) is not None:
        return
    try:
        record = read_study(folder)
    except (OSError, ValueError):
        return  # whoever reads the run says so
    if record.state != "running":
        _mend(folder, record)
        return
    history = read_history(folder)
    history.state = record.state = "interrupted"
    record.setups, record.schedules = history.setups, history.schedules
    record.seconds = history.seconds
    try:
        write_tables(folder, history, record)
    except (pa.ArrowException, ValueError) as error:
        raise OSError(f"{folder / PIECES} holds a damaged file: {error}") from None
    write_study(folder, record)


def check_whole(folder: Path, record: StudyRecord, history: History) -> None:
    """Raises LogError where the study was finished and its log ends before that, as half a copy does: a table
    made from it would have lost trials."""
    if record.state == "finished" and not history.finished:
        raise LogError(f"{folder / LOG} is not whole: it ends before the study was finished.")


def _mend(folder: Path, record: StudyRecord) -> None:
    """Makes the tables again that follow from the log alone, where they cannot be read."""
    makers: dict[str, Callable[[History], pd.DataFrame]] = {
        TRIALS: lambda history: trials_table(folder, history, record),
        DECISIONS: lambda history: _made(folder, partial(decisions_frame, history)),
    }
    for name, make in makers.items():
        if (folder / name).is_file() and not readable(folder / name):
            history = read_history(folder)
            check_whole(folder, record, history)
            write_table(folder, name, make(history))
