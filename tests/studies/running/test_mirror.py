"""Optuna's database of a run: what Optuna's own tools see of it."""

from __future__ import annotations

import io
import math
import random
import statistics
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from rich.console import Console

from studies.records import StudyRecord
from studies.records.events import Decided, Ended, Event, Reported
from studies.records.history import History
from studies.records.log import read_log
from studies.running.describe import study_record
from studies.running.late_mirror import LateMirror
from studies.running.mirror import Mirror, open_database
from studies.samplers import DEFAULT_SAMPLER
from studies.study import Choice, PowersOfTwo
from studies.study.space import label
from tests.studies.planning.test_course import finished
from tests.studies.running.synthetic import SEARCH
from tests.studies.tune.test_population import STUDY as POPULATION
from tests.studies.tune.test_population import population_run


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


def test_the_study_names_what_searches_it(tmp_path: Path, record: StudyRecord) -> None:
    attributes = mirrored(tmp_path / "a.db", record, []).user_attrs
    assert (attributes["sampler"], attributes["early stopping"]) == (DEFAULT_SAMPLER, "asha")


def test_a_population_is_shown_with_the_settings_that_its_trials_end_with(tmp_path: Path) -> None:
    log = read_log(population_run(tmp_path / "run"))
    record = study_record(POPULATION, run="one", seed=1, quick=False, cores=2, command=None)
    record.scheduler["population"] = True
    live = mirrored(tmp_path / "live.db", record, (log[:end] for end in range(len(log) + 1)))
    ended = mirrored(tmp_path / "ended.db", record, [log])
    assert seen(live) == seen(ended)
    history = History(log)
    for trial in ended.trials[1:]:
        entry = history.entries[trial.user_attrs["trial"]]
        assert trial.number == int(entry.trial)
        assert trial.params == entry.spec.changes
        assert ("schedule" in trial.user_attrs) == bool(entry.spec.schedule)
        assert list(trial.intermediate_values) == list(entry.reports)
    assert any("schedule" in trial.user_attrs for trial in ended.trials)


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


def test_diverged_trials_are_infinite_beside_errors_in_any_units(tmp_path: Path) -> None:
    """Errors may be in pascals: a number that stands for infinity would be lower than they are."""
    fast = {**SEARCH.space, "learning_rate": FloatDistribution(1e-3, 1.0, log=True)}
    whole = replace(SEARCH, space=fast, early_stopping="none")
    finished(tmp_path / "run", 1, random.Random(0), study=whole)
    record = study_record(whole, run="one", seed=1, quick=False, cores=2, command=None)
    log = [_in_pascals(event) for event in read_log(tmp_path / "run")]
    study = mirrored(tmp_path / "a.db", record, [log])
    diverged = [trial for trial in study.trials if trial.user_attrs.get("status") == "diverged"]
    complete = [trial for trial in study.trials if trial.user_attrs.get("status") == "completed"]
    assert {trial.value for trial in diverged} == {math.inf}
    assert complete
    assert all(trial.value is not None and 1e6 < trial.value < math.inf for trial in complete)
    assert all(math.isfinite(share) for share in optuna.importance.get_param_importances(study).values())


def _in_pascals(event: Event) -> Event:
    if not isinstance(event, Reported) or event.metrics.score is None:
        return event
    large = event.metrics.model_copy(update={"score": 1e9 * event.metrics.score})
    return event.model_copy(update={"metrics": large})


def test_scores_are_there_while_a_trial_runs(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    first = next(i for i, event in enumerate(events) if isinstance(event, Decided) and not event.stopped)
    event = events[first]
    assert isinstance(event, Decided)
    trial = mirrored(tmp_path / "a.db", record, [events[: first + 1]]).trials[int(event.trial)]
    assert trial.state == TrialState.RUNNING
    assert trial.intermediate_values == {event.rung: event.score}


def test_the_baseline_is_enqueued_and_complete_when_it_is_confirmed(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    waiting = mirrored(tmp_path / "a.db", record, [events[:2]]).trials[0]
    assert waiting.state == TrialState.WAITING
    assert waiting.user_attrs == {"trial": "baseline"}
    settings = {key: SEARCH.compared.flat()[key] for key in SEARCH.space}
    assert waiting.system_attrs["fixed_params"] == settings
    done = mirrored(tmp_path / "b.db", record, [events]).trials[0]
    assert done.state == TrialState.COMPLETE
    assert done.params == settings
    assert done.user_attrs["confirmed n"] == SEARCH.confirmations


def test_a_confirmation_that_nobody_saw_begin_has_its_settings_all_the_same(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    """Enqueued at one look, and over at the next."""
    done = mirrored(tmp_path / "a.db", record, [events[:2], events]).trials[0]
    assert done.state == TrialState.COMPLETE
    assert done.params == {key: SEARCH.compared.flat()[key] for key in SEARCH.space}
    assert done.datetime_complete is not None


def test_a_searched_weight_that_the_baseline_does_not_set_is_one(tmp_path: Path) -> None:
    search = replace(SEARCH, space={"loss_weights.left": FloatDistribution(1.0, 100.0, log=True)})
    record = study_record(search, run="one", seed=1, quick=False, cores=2, command=None)
    mirror = Mirror(open_database(tmp_path / "a.db"), record, "synthetic/one")
    mirror.tend(History([]))
    (baseline,) = optuna.load_study(
        study_name="synthetic/one", storage=open_database(tmp_path / "a.db")
    ).trials
    assert baseline.system_attrs["fixed_params"] == {"loss_weights.left": 1.0}


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
    assert study.user_attrs["winner: number"] == study.trials[int(history.best.trial)].number
    assert study.user_attrs["winner: confirmed median"] == pytest.approx(statistics.median(known))
    last = max(i for i, e in enumerate(events) if isinstance(e, Ended) and "winner" in e.trial)
    before = mirrored(tmp_path / "b.db", record, [events[:last]])
    assert not any(key.startswith("winner") for key in before.user_attrs)


def test_a_setting_outside_the_space_is_known_to_optuna_all_the_same(
    tmp_path: Path, record: StudyRecord, events: list[Event]
) -> None:
    narrow = {"distribution": "FloatDistribution", "low": 0.05, "high": 0.1, "log": True, "step": None}
    baseline = SEARCH.compared.config.learning_rate
    assert baseline < narrow["low"]
    space = {**record.space, "learning_rate": narrow}
    trial = mirrored(
        tmp_path / "a.db", record.model_copy(update={"space": space}), [[*_confirmation(events)]]
    ).trials[0]
    assert trial.params["learning_rate"] == baseline


CHOICES = {
    "milestones": Choice([(20,), (20, 30)]),
    "gain": CategoricalDistribution([None, 0.5, 1.0]),
    "hard_conditions": CategoricalDistribution([True, False]),
    "loss_weights": Choice([{}, {"interior": 2}]),
    "batch_size": PowersOfTwo(1, 8),
    "width": IntDistribution(3, 11, step=4),
}


def test_choices_of_any_kind_are_the_same_in_the_log_at_optuna_and_after_a_crash(tmp_path: Path) -> None:
    """Tuples, mappings, None and booleans; the baseline's width, 4, stands between two steps."""
    base = SEARCH.base.changed({"schedule": "step", "decay": 0.5, "milestones": (20,)})
    study = replace(SEARCH, base=base, space={**SEARCH.space, **CHOICES})
    history = finished(tmp_path / "run", 3, random.Random(0), kills=4, study=study)
    undisturbed = finished(tmp_path / "one", 1, random.Random(1), study=study)
    record = study_record(study, run="one", seed=1, quick=False, cores=2, command=None)
    record = StudyRecord.model_validate_json(record.model_dump_json())
    seen = mirrored(tmp_path / "a.db", record, [read_log(tmp_path / "run")])
    for entry in history.phase("search"):
        changes = entry.spec.changes
        assert changes == undisturbed.entries[entry.trial].spec.changes
        config = entry.spec.config
        assert {key: config[key] for key in changes} == changes, "the log holds what was trained"
        trial = seen.trials[int(entry.trial)]
        assert {key: label(value) for key, value in changes.items()} == trial.params
        assert trial.params["batch_size"] in (1, 2, 4, 8)
    assert seen.trials[0].params["width"] == 4
    assert seen.trials[0].params["milestones"] == "[20]"
    assert set(optuna.importance.get_param_importances(seen)) >= {"milestones", "gain", "hard_conditions"}


def test_a_mirror_that_fails_is_a_warning_and_the_study_goes_on() -> None:
    told = io.StringIO()

    def broken() -> Mirror:
        raise OSError("disk I/O error")

    pool: Any = SimpleNamespace(since=0.0)
    late = LateMirror(broken, pool, None, Console(file=told))  # type: ignore[arg-type]
    late.tend()
    late.update()
    assert told.getvalue().count("Warning") == 1
    assert "disk I/O error" in told.getvalue()


def _confirmation(events: list[Event]) -> Iterable[Event]:
    """The log without its search, whose settings a narrower space would not allow."""
    for event in events:
        name = getattr(event, "trial", "confirm")
        if name.startswith("confirm"):
            yield event


def test_several_objectives_and_constraints_are_seen_at_optuna(tmp_path: Path) -> None:
    chosen = replace(
        SEARCH, objectives=("error", "points"), early_stopping="none", constraints=affordable, trials=6
    )
    finished(tmp_path / "run", 2, random.Random(0), study=chosen)
    record = study_record(chosen, run="one", seed=1, quick=False, cores=2, command=None)
    log = read_log(tmp_path / "run")
    study = mirrored(tmp_path / "optuna.db", record, [log[: len(log) // 2], log])
    assert study.metric_names == ["MAE", "points"]
    for trial in study.trials[1:]:
        assert trial.values[1] == trial.params["iterations"] * SEARCH.base.config.batch_size
        (value,) = trial.system_attrs["constraints"]
        assert value == trial.params["iterations"] - 390 <= 0
    assert study.trials[0].values is not None


def affordable(settings: dict[str, Any]) -> dict[str, float]:
    return {"iterations": settings["iterations"] - 390}


def test_a_trial_that_takes_anothers_results_keeps_its_number(tmp_path: Path) -> None:
    few = {"depth": IntDistribution(1, 3), "activation": Choice(["tanh", "sin"])}
    chosen = replace(SEARCH, space=few, sampler="random")
    finished(tmp_path / "run", 1, random.Random(0), study=chosen)
    record = study_record(chosen, run="one", seed=1, quick=False, cores=2, command=None)
    log = read_log(tmp_path / "run")
    study = mirrored(tmp_path / "optuna.db", record, [log[:end] for end in range(0, len(log) + 1, 5)] + [log])
    assert [trial.user_attrs["trial"] for trial in study.trials[1:]] == [f"{n:03d}" for n in range(1, 13)]
