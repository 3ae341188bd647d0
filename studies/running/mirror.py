"""Optuna's database of a run, for Optuna's own tools: a copy of the log, and nothing that is read again."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
)
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.pool import NullPool

from studies.records.history import Entry, History
from studies.records.intervals import confirmed
from studies.records.schema import LABELS, WEIGHT_PREFIX, WEIGHTS, StudyRecord
from studies.records.spaces import present
from studies.running.optuna_space import shown_to_optuna, widened
from studies.study.space import described, label

BASELINE = "baseline"
_STATES = {
    "completed": TrialState.COMPLETE,
    "diverged": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "interrupted": TrialState.FAIL,
}


def open_database(path: Path) -> RDBStorage:
    """Optuna's storage in a file, which is made where it is missing."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Opened by its path: in a URL its "?" and "#" would have a meaning.
    return RDBStorage(
        "sqlite://",
        engine_kwargs={
            "creator": lambda: sqlite3.connect(path, timeout=30, check_same_thread=False),
            "poolclass": NullPool,
        },
    )


class Mirror:
    """A search as a study of Optuna's, brought up to its log again and again.

    Trial 0 is the baseline: enqueued at once, and complete when it is confirmed.  The search's own trials
    follow in the order of their suggestions, with their scores at the rungs as soon as those are decided.
    Attributes of a trial are its name in the run, its status and its telemetry, and of the baseline what its
    confirmation on fresh seeds gave; the winner's, which has ended by then, are the study's own.
    A score that is infinite is infinite there too.
    Choices are labels (see `studies.study.space.label`), and powers of two integers on a logarithmic scale.
    """

    def __init__(self, storage: RDBStorage, record: StudyRecord, name: str) -> None:
        self._storage = storage
        self._space = {key: shown_to_optuna(described(values)) for key, values in record.space.items()}
        self._recorded = record.space
        self._population = bool(record.scheduler.get("population"))
        self._parts = -(-len(record.seeds["confirm"]) // record.replicates)
        """Trials that share the seeds of one confirmation."""
        objectives = record.objectives
        self._study = storage.create_new_study([StudyDirection.MINIMIZE] * len(objectives), name)
        storage.set_study_user_attr(self._study, "question", record.question)
        for name, key in (("sampler", "sampler"), ("early stopping", "name")):
            if key in record.scheduler:
                storage.set_study_user_attr(self._study, name, record.scheduler[key])
        storage.set_study_system_attr(
            self._study, "study:metric_names", [LABELS[record.metric], *objectives[1:]]
        )
        self._settings = _settings(record)
        """Of the baseline."""
        self._ids: dict[str, int] = {}
        self._reported: dict[str, set[int]] = {}
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self._confirmed: set[str] = set()

    def tend(self, history: History) -> None:
        """Brings the database up to the log."""
        self._tend_baseline(history)
        looks: dict[str, set[int]] = {}
        for decided in history.decisions:
            looks.setdefault(decided.trial, set()).add(decided.rung)
        known = {int(entry.trial): entry for entry in history.phase("search")}
        for number in range(1, len(known) + 1):
            # One that takes another's results can be told of before one that waits for a core.
            if number not in known:
                break
            entry = known[number]
            if self._population:
                # Optuna's trials keep their settings and their order: one is shown once it and all before it
                # have ended.
                if entry.running:
                    break
                looks[entry.trial] = set(entry.reports)
            if entry.trial not in self._ended:
                self._tend_trial(entry, looks.get(entry.trial, set()))
        self._tend_winner(history)

    def _tend_trial(self, entry: Entry, looks: set[int]) -> None:
        if entry.trial not in self._ids:
            frozen = _frozen(entry, looks, self._space)
            self._ids[entry.trial] = self._storage.create_new_trial(self._study, frozen)
        elif not entry.running:
            self._report(entry, looks)
            for key, value in _attributes(entry).items():
                self._storage.set_trial_user_attr(self._ids[entry.trial], key, value)
            state, values = _outcome(entry)
            self._storage.set_trial_state_values(self._ids[entry.trial], state, values)
        else:
            self._report(entry, looks)
        if not entry.running:
            self._ended.add(entry.trial)

    def _report(self, entry: Entry, looks: set[int]) -> None:
        known = self._reported.setdefault(entry.trial, set())
        for rung, score in _scores(entry, looks).items():
            if rung not in known:
                self._storage.set_trial_intermediate_value(self._ids[entry.trial], rung, score)
                known.add(rung)

    def _tend_baseline(self, history: History) -> None:
        parts = _parts(history, BASELINE)
        confirmation = self._confirmation(parts)
        if BASELINE not in self._ids:
            frozen = self._baseline(parts, confirmation)
            self._ids[BASELINE] = self._storage.create_new_trial(self._study, frozen)
        elif not parts or BASELINE in self._ended:
            return
        else:
            self._continue_baseline(parts, confirmation)
        if parts:
            self._begun.add(BASELINE)
        if confirmation is not None:
            self._ended.add(BASELINE)

    def _continue_baseline(self, parts: list[Entry], confirmation: Mapping[str, Any] | None) -> None:
        """What was enqueued begins, ends, or both where nobody looked in between."""
        trial = self._ids[BASELINE]
        if BASELINE not in self._begun:
            self._storage.set_trial_state_values(trial, TrialState.RUNNING)
            for key, (value, distribution) in self._known(parts[0].spec.config).items():
                internal = distribution.to_internal_repr(value)
                self._storage.set_trial_param(trial, key, internal, distribution)
        if confirmation is not None:
            for name, value in confirmation.items():
                self._storage.set_trial_user_attr(trial, name, value)
            values = [_value(confirmation), *parts[0].spec.costs.values()]
            self._storage.set_trial_state_values(trial, TrialState.COMPLETE, values)

    def _baseline(self, parts: list[Entry], confirmation: Mapping[str, Any] | None) -> FrozenTrial:
        """The baseline as it stands: enqueued until its confirmation begins."""
        settings = {
            key: label(self._settings[key])
            for key in self._space
            if key in self._settings and present(self._recorded, key, self._settings)
        }
        known = self._known(parts[0].spec.config) if parts else {}
        begun = TrialState.COMPLETE if confirmation else TrialState.RUNNING
        trial = optuna.trial.create_trial(
            state=begun if parts else TrialState.WAITING,
            params={key: value for key, (value, _) in known.items()},
            distributions={key: distribution for key, (_, distribution) in known.items()},
            user_attrs={"trial": BASELINE, **(confirmation or {})},
            system_attrs={"fixed_params": settings},
            values=[_value(confirmation), *parts[0].spec.costs.values()] if confirmation else None,
        )
        if parts:
            trial.datetime_start = _when(min(entry.spec.time for entry in parts))
        if confirmation:
            trial.datetime_complete = _when(max(map(_end, parts)))
        return trial

    def _known(self, config: Mapping[str, Any]) -> dict[str, tuple[Any, BaseDistribution]]:
        """The settings that the search varies, those that a wider space of Optuna's can hold."""
        values = {key: label(config.get(key)) for key in self._space if present(self._recorded, key, config)}
        distributions = {key: (value, widened(self._space[key], value)) for key, value in values.items()}
        return {key: (value, wide) for key, (value, wide) in distributions.items() if wide is not None}

    def _tend_winner(self, history: History) -> None:
        parts, best = _parts(history, "winner"), history.best
        score = self._confirmation(parts)
        if score is None or best is None or best.trial in self._confirmed:
            return
        self._confirmed.add(best.trial)
        winner = {"trial": best.trial, "number": int(best.trial), **score}
        for key, value in winner.items():
            self._storage.set_study_user_attr(self._study, f"winner: {key}", value)

    def _confirmation(self, parts: list[Entry]) -> dict[str, float | int | None] | None:
        """What a confirmation gave, as attributes; None before all its trials have ended."""
        if len(parts) < self._parts or any(entry.running or entry.measured is None for entry in parts):
            return None
        scores = [score for entry in parts if entry.measured for score in entry.measured.replicates.scores]
        return {f"confirmed {key}": value for key, value in confirmed(scores).items()}


def _settings(record: StudyRecord) -> dict[str, Any]:
    """The baseline's, as far as the record of a study that is not finished has them."""
    if record.confirmed_baseline is not None:
        return record.confirmed_baseline.config
    known = record.definition
    # "reference": as runs of before schema version 3 have it.
    setup = known.get("baseline") or known.get("reference") or known.get("base") or {}
    parameters = {f"problem.{key}": value for key, value in setup.get("parameters", {}).items()}
    config = setup.get("config", {})
    given = config.get(WEIGHTS, {})
    weights = {WEIGHT_PREFIX + term: given.get(term, 1.0) for term in record.terms}
    return {**parameters, **config, **weights}


def _parts(history: History, arm: str) -> list[Entry]:
    return [entry for entry in history.phase("confirm") if entry.spec.arm == arm]


def _outcome(entry: Entry) -> tuple[TrialState, list[float] | None]:
    """A trial's state at Optuna, and its values where that has any."""
    if entry.running:
        return TrialState.RUNNING, None
    state = _STATES[entry.status or "interrupted"]
    if entry.status == "diverged" and entry.rung is not None:
        state = TrialState.PRUNED
    values = [entry.score, *entry.spec.costs.values()]
    return state, values if state == TrialState.COMPLETE else None


def _scores(entry: Entry, looks: set[int]) -> dict[int, float]:
    """Rung -> score, at the rungs where early stopping has looked: what is trained ahead may not count."""
    return {at: metrics.value for at, metrics in entry.reports.items() if at in looks}


def _attributes(entry: Entry) -> dict[str, Any]:
    steps = [step.model_dump() for step in entry.spec.schedule]
    schedule = {"schedule": json.dumps(steps)} if steps else {}
    return {"trial": entry.trial, "status": entry.status or "running", **entry.telemetry, **schedule}


def _frozen(entry: Entry, looks: set[int], space: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """A trial of the search as it stands."""
    state, values = _outcome(entry)
    trial = optuna.trial.create_trial(
        state=state,
        params={key: label(value) for key, value in entry.spec.changes.items()},
        distributions={key: space[key] for key in entry.spec.changes},
        intermediate_values=_scores(entry, looks),
        user_attrs=_attributes(entry),
        # Where Optuna's page looks for them, and not where `Trial.set_constraint` puts them.
        system_attrs={"constraints": list(entry.spec.constraints.values())} if entry.spec.constraints else {},
        values=values,
    )
    trial.datetime_start = _when(entry.spec.time)
    trial.datetime_complete = None if entry.running else _when(_end(entry))
    return trial


def _end(entry: Entry) -> float:
    """When a trial ended, seconds since the epoch."""
    return entry.spec.time + (0.0 if entry.ended is None else entry.ended - entry.started)


def _value(confirmation: Mapping[str, Any]) -> float:
    median = confirmation["confirmed median"]
    return math.inf if median is None else float(median)


def _when(seconds: float) -> datetime:
    """As Optuna has it: the local time, without its zone."""
    return datetime.fromtimestamp(seconds)
