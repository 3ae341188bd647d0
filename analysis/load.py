"""A run folder as data frames."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.fates import fates
from studies import records
from studies.records import StudyRecord
from studies.records.parquet import DamagedTableError, column_names, read_table
from studies.records.spaces import present

_logger = logging.getLogger(__name__)

_LATER = ("diverged_by", "residual", "metric", "score", *records.TELEMETRY_COLUMNS, "processor_share")
"""Columns that older runs lack."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run folder: the resolved study and its trials; the larger tables are read when first asked for.

    Columns are those of `studies.records`, of runs of an older schema too.
    """

    folder: Path
    study: StudyRecord
    trials: pd.DataFrame

    @cached_property
    def curves(self) -> pd.DataFrame:
        """All rows of curves.parquet; for 10⁶ rows prefer `losses`, `polish` and `errors`."""
        return self._curves(columns=None, rows=None)

    @cached_property
    def errors(self) -> pd.DataFrame:
        """The rows of the curves where the error was measured: trial, replicate, iteration, score.

        Where a polish follows an iteration, the error after it.
        """
        keys = ["trial", "replicate", "iteration"]
        measured = self._curves(columns=[*keys, *self._polish_column, self._score], rows=self._measured)
        if self._polish_column:
            measured = measured.drop_duplicates(keys, keep="last").drop(columns="polish")
        return measured

    def polish(self, trials: Collection[str]) -> pd.DataFrame:
        """The steps of some trials' polishes: trial, replicate, iteration, polish, score, loss.

        Empty in runs of before they were recorded.
        """
        names = [*records.CURVE_KEYS, "loss"]
        if not self._polish_column:
            return records.typed(pd.DataFrame({"loss": pd.Series(dtype="float32")}), records.CURVE_KEYS)
        rows = pc.field("trial").isin(pa.array(list(trials), pa.string())) & (pc.field("polish") > 0)
        return self._curves(columns=names, rows=rows)

    @cached_property
    def fates(self) -> pd.DataFrame:
        """Which replicates are `degenerate` and which `blown_up`, a row for each of `trials`."""
        return fates(self.trials, self.losses(self.trials["trial"].unique()))

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """The looks of the early stopping; empty where there was none."""
        return _table(self.folder, records.DECISIONS, records.DECISION_COLUMNS)

    @cached_property
    def solutions(self) -> pd.DataFrame:
        """Reference and predictions of the confirmed or ablated trials; empty where there are none."""
        columns = dict.fromkeys([*self.study.axes, *self._outputs], "float64")
        table = _table(self.folder, records.SOLUTIONS, {**records.SOLUTION_KEYS, **columns})
        return table.assign(arm=_present_arms(table)) if self.study.schema_version < 3 else table

    def losses(
        self, trials: Collection[str], *, terms: bool = False, until: int | None = None
    ) -> pd.DataFrame:
        """Loss (and its terms) of some trials at every iteration, up to iteration `until`."""
        rows = pc.field("trial").isin(pa.array(list(trials), pa.string()))
        if until is not None:
            rows = rows & (pc.field("iteration") <= until)
        if self._polish_column:
            rows = rows & (pc.field("polish") == 0)
        columns = ["trial", "replicate", "iteration", "loss", *(self._terms if terms else [])]
        return self._curves(columns=columns, rows=rows)

    def phase(self, *phases: str) -> pd.DataFrame:
        """The trial rows of some phases."""
        return self.trials[self.trials["phase"].isin(phases)]

    @property
    def metric_name(self) -> str:
        """What ranks, as a sentence or an axis names it: "MAE", "relative L² error", …"""
        return records.LABELS[self.study.metric]

    @property
    def noun(self) -> str:
        """What an amount of it is: "error", or "residual" where there is no reference."""
        return "error" if self.has_reference else "residual"

    @property
    def _terms(self) -> list[str]:
        return [f"loss_{term}" for term in self.study.terms]

    @property
    def _outputs(self) -> list[str]:
        kinds = ("reference", "prediction") if self.has_reference else ("prediction",)
        return [f"{kind}_{name}" for kind in kinds for name in self.study.outputs]

    @property
    def has_reference(self) -> bool:
        """Whether the problem's solution is known, so that there are errors."""
        return self.study.metric != "residual"

    def _curves(self, columns: list[str] | None, rows: pc.Expression | None) -> pd.DataFrame:
        keys = {self._score if name == "score" else name: kind for name, kind in records.CURVE_KEYS.items()}
        expected = {**keys, **dict.fromkeys(["loss", *self._terms], "float32")}
        if not self._polish_column:
            del expected["polish"]
        if columns is not None:
            expected = {name: expected[name] for name in columns}
        table = _table(self.folder, records.CURVES, expected, columns=columns, rows=rows)
        return table.rename(columns={self._score: "score"})

    @property
    def _measured(self) -> pc.Expression:
        score = pc.field(self._score)
        return score.is_valid() & ~pc.is_nan(score)

    @cached_property
    def _polish_column(self) -> list[str]:
        """Its name where the curves have it: those of before schema version 4 have none."""
        return ["polish"] if "polish" in column_names(self.folder / records.CURVES) else []

    @property
    def _score(self) -> str:
        """The column of the curves that holds the score."""
        return "score" if self.study.schema_version > 1 else "mae"


def load_run(folder: Path) -> Run:
    """Reads a run folder, finished or not.

    An interrupted run may lack its Parquet files: their tables are empty then.  Raises ConfigurationError
    where the folder holds no run, a finished run lacks a file, or a newer version wrote it.
    """
    folder = Path(folder)
    study = records.open_run(folder)
    if study.state == "finished":
        for name in (records.TRIALS, records.CURVES):
            if not (folder / name).is_file():
                raise records.ConfigurationError(f"{folder} is a finished run, but its {name} is missing.")
    since = {name: kind for name, kind in records.TRIAL_COLUMNS.items() if name not in _LATER}
    trials = records.typed(_table(folder, records.TRIALS, since), records.TRIAL_COLUMNS)
    if study.schema_version < 3:
        trials = trials.assign(metric=study.metric, score=trials[study.metric], arm=_present_arms(trials))
    return Run(folder, study, _without_absent(records.typed(trials, records.TRIAL_COLUMNS), study))


def _without_absent(trials: pd.DataFrame, study: StudyRecord) -> pd.DataFrame:
    """A setting that a trial's choices did not bring with them is no value of its: it is null."""
    keys = [key for key, each in study.space.items() if each.get("when") and records.CONFIG + key in trials]
    for key in keys:
        column = records.CONFIG + key
        configs = [
            {str(name).removeprefix(records.CONFIG): value for name, value in row.items()}
            for row in trials.to_dict("records")
        ]
        there = pd.Series([present(study.space, key, config) for config in configs], index=trials.index)
        trials = trials.assign(**{column: trials[column].convert_dtypes().where(there)})
    return trials


def _present_arms(rows: pd.DataFrame) -> pd.Series:
    """The arms of trials or solutions of before schema version 3, where a baseline was called reference."""
    return rows["arm"].mask((rows["phase"] == "confirm") & (rows["arm"] == "reference"), "baseline")


def _table(
    folder: Path,
    name: str,
    expected: Mapping[str, str],
    *,
    columns: list[str] | None = None,
    rows: pc.Expression | None = None,
) -> pd.DataFrame:
    """A Parquet file as a data frame, or an empty one with the same columns where there is no file."""
    path = folder / name
    if not path.is_file():
        return records.typed(pd.DataFrame(), expected)
    try:
        return read_table(path, expected, columns=columns, rows=rows)
    except DamagedTableError as error:
        if name == records.TRIALS:  # all else is read without it, but nothing is known then
            raise records.ConfigurationError(str(error)) from None
        _logger.warning("%s; it is left out.", str(error).rstrip("."))
        return records.typed(pd.DataFrame(), expected)
