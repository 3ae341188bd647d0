"""A run as TensorBoard shows it: its event files, made from the run's records."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event as EventRecord
from tensorboardX.proto.event_pb2 import SessionLog
from tensorboardX.summary import hparams

from studies import records
from studies.records import StudyRecord
from studies.records.history import Entry, History
from studies.records.parquet import DamagedTableError, read_table
from studies.records.reduction import median

POINTS = 200
"""Of a loss curve, evenly spread over its iterations; scores are shown wherever they were measured."""
SCORE = "score"
FINAL = "final_score"


class EventFiles:
    """A folder of event files for each trial of a run, brought up to the run's log again and again.

    While a trial runs it has what it reported at its rungs: the score, the losses term by term, telemetry.
    When it has ended, its whole curves take their place, with its settings and its final score (TensorBoard's
    hparams).  All of them are medians over replicates.
    """

    def __init__(self, run: Path, record: StudyRecord, out: Path) -> None:
        self._run = run
        self._record = record
        self._out = out
        self._told: dict[str, set[int]] = {}
        self._ended: set[str] = set()
        self._varied = {*record.space, *record.factors, *(key for arm in record.arms.values() for key in arm)}

    def tend(self, history: History) -> None:
        """Brings the files up to the log."""
        for entry in history.entries.values():
            if entry.trial not in self._ended:
                self._tend(entry)

    def _tend(self, entry: Entry) -> None:
        written = self._told.setdefault(entry.trial, set())
        fresh = [at for at in entry.reports if at not in written]
        curves = None if entry.running else self._curves(entry)
        if not fresh and entry.running:
            return
        with SummaryWriter(str(self._out / _file_name(entry.trial))) as writer:
            for at in fresh:
                self._report(writer, entry, at)
                written.add(at)
            if curves is not None:
                self._replace(writer, entry, curves)
            if not entry.running:
                self._settings(writer, entry)
                self._ended.add(entry.trial)

    def _report(self, writer: SummaryWriter, entry: Entry, at: int) -> None:
        metrics = entry.reports[at]
        when = entry.spec.time + metrics.seconds
        losses = np.array(metrics.replicates.losses, dtype=float)  # (K, 1 + T), None as NaN
        values = {SCORE: metrics.score, **dict(zip(self._terms, median(losses, axis=0), strict=True))}
        if metrics.telemetry is not None:
            values |= {f"telemetry/{key}": value for key, value in metrics.telemetry.model_dump().items()}
        for tag, value in values.items():
            _add(writer, tag, value, at, when)

    def _replace(self, writer: SummaryWriter, entry: Entry, curves: pd.DataFrame) -> None:
        """Writes whole curves; TensorBoard drops what came before a session's start."""
        start = EventRecord(session_log=SessionLog(status=SessionLog.START))
        writer.file_writer.add_event(start, step=0, walltime=entry.spec.time)
        last = int(curves.index[-1])
        each = 0.0 if entry.measured is None else entry.measured.seconds / max(1, entry.iterations)
        shown = set(np.linspace(1, last, min(POINTS, last)).round().astype(int))
        columns = {"score": SCORE, **dict(zip(self._columns, self._terms, strict=True))}
        for column, tag in columns.items():
            for at, value in curves[column].items():
                if column == "score" or at in shown:
                    _add(writer, tag, value, int(str(at)), entry.spec.time + each * int(str(at)))
        for at in sorted(entry.reports):
            known = entry.reports[at].telemetry
            for key, value in ({} if known is None else known.model_dump()).items():
                _add(writer, f"telemetry/{key}", value, at, entry.spec.time + each * at)

    def _settings(self, writer: SummaryWriter, entry: Entry) -> None:
        chosen = {
            key: _plain(entry.spec.config[key]) for key in sorted(self._varied) if key in entry.spec.config
        }
        chosen |= {"phase": entry.spec.phase, "status": str(entry.status)}
        for summary in hparams(chosen, {FINAL: 0.0}):
            writer.file_writer.add_summary(summary)
        _add(writer, FINAL, entry.score, entry.iterations, entry.spec.time)

    @property
    def _columns(self) -> list[str]:
        return ["loss", *(f"loss_{term}" for term in self._record.terms)]

    @property
    def _terms(self) -> list[str]:
        return ["loss/total", *(f"loss/{term}" for term in self._record.terms)]

    def _curves(self, entry: Entry) -> pd.DataFrame | None:
        """Medians over a trial's replicates by iteration; None where the run has none of it."""
        piece = self._run / records.PIECES / f"{entry.spec.folder}.parquet"
        path = piece if piece.is_file() else self._run / records.CURVES
        if not path.is_file():
            return None
        try:
            rows = read_table(path, rows=pc.field("trial") == entry.trial)
        except DamagedTableError:
            return None  # whoever asks for the report is told
        if rows.empty:
            return None
        rows = rows.rename(columns={"mae": "score"})  # as runs of schema version 1 have it
        if "polish" not in rows:
            return _medians(rows, ["score", *self._columns])
        medians = _medians(rows[rows["polish"] == 0], ["score", *self._columns])
        # An iteration's error is that after the polish that follows it.
        after = rows[(rows["polish"] > 0) & rows["score"].notna()]
        last = after[after["polish"] == after.groupby("iteration")["polish"].transform("max")]
        if len(last):
            medians.loc[last["iteration"].unique(), "score"] = _medians(last, ["score"])["score"]
        return medians


def _medians(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Medians over replicates of some columns, by iteration; NaN where nothing was measured of any replicate.

    Where one replicate was measured all were, and one without a number has diverged.
    """
    by_replicate = rows.pivot(index="iteration", columns="replicate", values=columns)
    medians = {}
    for column in columns:
        values = by_replicate[column].to_numpy(dtype=float)  # (iterations, K)
        medians[column] = np.where(np.isnan(values).all(axis=1), np.nan, median(values))
    return pd.DataFrame(medians, index=by_replicate.index)


def _add(writer: SummaryWriter, tag: str, value: float | None, at: int, when: float) -> None:
    """A point of a curve, where there is a value."""
    if value is not None and math.isfinite(value):
        writer.add_scalar(tag, value, at, walltime=when)


def _file_name(trial: str) -> str:
    """A folder's name for a trial; names of arms can hold anything."""
    return re.sub(r"[^\w .,=+@-]", "_", trial).lstrip(".") or "_"


def _plain(value: Any) -> str | bool | float:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
