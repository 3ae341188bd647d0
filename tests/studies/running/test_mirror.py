"""Optuna's database of a run: what Optuna's own tools see of it."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from studies.records import StudyRecord
from studies.records.events import Decided, Ended, Event
from studies.records.history import History
from studies.records.log import read_log
from studies.running.describe import study_record
from studies.running.mirror import Mirror, open_database
from tests.studies.planning.test_course import finished
from tests.studies.running.synthetic import SEARCH


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    folder = tmp_path_factory.mktemp("mirror") / "run"
    finished(folder, 2, random.Random(0))
    return read_log(folder)


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return study_record(SEARCH, run="one", seed=1, quick=False, cores=2, command=None)


def mirrored(path: Path, record: StudyRecord, logs: Iterable[list[Event]]) -> optuna.Study:
    """The study that Optuna sees after the mirror was shown some logs in turn."""
    storage = open_database(path)
    mirror = Mirror(storage, record, "synthetic/one")
    for log in logs:
        mirror.tend(History(log))
    return optuna.load_study(study_name="synthetic/one", storage=storage)


def seen(study: optuna.Study) -> list[tuple[Any, ...]]:
    return [
        (t.number, t.state, t.values, t.params, t.intermediate_values, t.user_attrs) for t in study.trials
    ]


def test_a_live_run_and_an_ended_one_look_the_same(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    live = mirrored(tmp_path / "live.db", record, (events[:end] for end in range(len(events) + 1)))
    ended = mirrored(tmp_path / "ended.db", record, [events])
    assert seen(live) == seen(ended)
    assert len(ended.trials) == SEARCH.trials + 1


def test_stopped_trials_are_pruned_with_their_scores_at_the_rungs(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    study, history = mirrored(tmp_path / "a.db", record, [events]), History(events)
    stopped = [entry for entry in history.entries.values() if entry.status == "stopped"]
    assert stopped
    for entry in stopped:
        trial = study.trials[int(entry.trial)]
        assert trial.state == TrialState.PRUNED
        assert trial.user_attrs["trial"] == entry.trial
        assert entry.rung is not None
        assert trial.intermediate_values[entry.rung] == entry.reports[entry.rung].score
        assert max(trial.intermediate_values) == entry.rung


def test_scores_are_there_while_a_trial_runs(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    first = next(i for i, event in enumerate(events) if isinstance(event, Decided) and not event.stopped)
    event = events[first]
    assert isinstance(event, Decided)
    trial = mirrored(tmp_path / "a.db", record, [events[: first + 1]]).trials[int(event.trial)]
    assert trial.state == TrialState.RUNNING
    assert trial.intermediate_values == {event.rung: event.score}


def test_the_reference_is_enqueued_and_complete_when_it_is_confirmed(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    waiting = mirrored(tmp_path / "a.db", record, [events[:2]]).trials[0]
    assert waiting.state == TrialState.WAITING
    assert waiting.user_attrs == {"trial": "reference"}
    settings = {key: SEARCH.compared.flat()[key] for key in SEARCH.space}
    assert waiting.system_attrs["fixed_params"] == settings
    done = mirrored(tmp_path / "b.db", record, [events]).trials[0]
    assert done.state == TrialState.COMPLETE
    assert done.params == settings
    assert done.user_attrs["confirmed n"] == SEARCH.confirmations


def test_the_winner_has_what_its_confirmation_gave(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    history = History(events)
    assert history.best is not None
    scores = [
        score
        for entry in history.phase("confirm")
        if entry.spec.arm == "winner" and entry.measured is not None
        for score in entry.measured.replicates.scores
    ]
    known = [score for score in scores if score is not None]
    study = mirrored(tmp_path / "a.db", record, [events])
    winner = study.trials[int(history.best.trial)]
    assert winner.user_attrs["confirmed median"] == pytest.approx(statistics.median(known))
    last = max(i for i, e in enumerate(events) if isinstance(e, Ended) and "winner" in e.trial)
    before = mirrored(tmp_path / "b.db", record, [events[:last]])
    assert not any("confirmed median" in trial.user_attrs for trial in before.trials[1:])


def test_a_setting_outside_the_space_is_known_to_optuna_all_the_same(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    narrow = {"distribution": "FloatDistribution", "low": 0.05, "high": 0.1, "log": True, "step": None}
    reference = SEARCH.compared.config.learning_rate
    assert reference < narrow["low"]
    space = {**record.space, "learning_rate": narrow}
    trial = mirrored(
        tmp_path / "a.db", record.model_copy(update={"space": space}), [[*_confirmation(events)]]
    ).trials[0]
    assert trial.params["learning_rate"] == reference


def _confirmation(events: list[Event]) -> Iterable[Event]:
    """The log without its search, whose settings a narrower space would not allow."""
    for event in events:
        name = getattr(event, "trial", "confirm")
        if name.startswith("confirm"):
            yield event
