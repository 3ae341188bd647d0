"""Optuna's database of a run, for Optuna's own tools: a copy of the log, and nothing that is read again."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.pool import NullPool

from studies.records.history import Entry, History
from studies.records.schema import OPTUNA
from studies.running.halving import PENALTY
from studies.study import Search

_STATES = {
    "completed": TrialState.COMPLETE,
    "diverged": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "interrupted": TrialState.FAIL,
}


class Mirror:
    """Adds the trials of a search as they end, in their order; begins with what the log has."""

    def __init__(self, folder: Path, study: Search) -> None:
        self._path = folder / OPTUNA
        self._study = study
        self._optuna: optuna.Study | None = None
        self._added: set[str] = set()

    def tend(self, history: History) -> None:
        """Brings the database up to the log."""
        entries = history.phase("search")
        for entry in entries:
            if not entry.running and entry.trial not in self._added:
                self._open().add_trial(self._frozen(entry))
                self._added.add(entry.trial)

    def _open(self) -> optuna.Study:
        """The database, made anew by each process that runs the study."""
        if self._optuna is None:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            self._path.unlink(missing_ok=True)
            path = str(self._path)
            # Opened by its path: in a URL its "?" and "#" would have a meaning.
            storage = RDBStorage(
                "sqlite://",
                engine_kwargs={
                    "creator": lambda: sqlite3.connect(path, timeout=30, check_same_thread=False),
                    "poolclass": NullPool,
                },
            )
            self._optuna = optuna.create_study(storage=storage, study_name=self._study.name)
        return self._optuna

    def _frozen(self, entry: Entry) -> optuna.trial.FrozenTrial:
        state = _STATES[entry.status or "interrupted"]
        if entry.status == "diverged" and entry.rung is not None:
            state = TrialState.PRUNED
        space: dict[str, BaseDistribution] = dict(self._study.space)
        scores: dict[int, float] = {
            at: min(metrics.value, PENALTY)
            for at, metrics in entry.reports.items()
            if not metrics.final and (entry.rung is None or at <= entry.rung)
        }
        value: dict[str, Any] = {}
        if state == TrialState.COMPLETE and entry.measured is not None:
            value = {"value": min(entry.measured.value, PENALTY)}
        trial = optuna.trial.create_trial(
            state=state,
            params=entry.spec.changes,
            distributions=space,
            intermediate_values=scores,
            user_attrs={"trial": entry.trial, "status": entry.status},
            **value,
        )
        trial.datetime_start = datetime.now(UTC).replace(tzinfo=None)
        trial.datetime_complete = trial.datetime_start
        return trial
