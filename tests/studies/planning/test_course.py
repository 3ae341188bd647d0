"""A search is the same with any number of workers, in any order of arrival, after any interruption."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.errors import StudyError
from studies.planning.course import ALIKE, Course
from studies.planning.trial import Trial
from studies.records.events import Decided, Ended, Event, Failed, Left, Reported, Suggested
from studies.records.history import History
from studies.records.log import LOG, Log, read_log
from studies.records.tables import decisions_frame, trials_frame
from studies.study import Search, from_dict, to_dict
from tests.studies.running.synthetic import SEARCH, metrics, reports, search_plan

RECORDED = Path(__file__).parent


class Workers:
    """Trains the trials of a course in an arbitrary order, and can be killed at any of its steps."""

    def __init__(self, course: Course, cores: int, choose: random.Random) -> None:
        self.course = course
        self.cores = cores
        self.choose = choose
        self.training: dict[str, tuple[Trial, int]] = {}

    def step(self) -> bool:
        """Starts a trial, or lets one report; whether there was anything to do."""
        while len(self.training) < max(self.cores, 1):
            trial = self.course.next(self.cores - len(self.training))
            if trial is None:
                break
            self.training[trial.name] = (trial, len(self.course.entry(trial.name).reports))
        if not self.training:
            return False
        name = self.choose.choice(sorted(self.training))
        trial, position = self.training[name]
        if not self.course.entry(name).running:
            del self.training[name]
            return True
        told = reports(trial)[position]
        self.course.report(name, told)
        self.training[name] = (trial, position + 1)
        if told.final:
            del self.training[name]
        return True


def finished(
    folder: Path, cores: int, choose: random.Random, kills: int = 0, study: Search = SEARCH
) -> History:
    """A whole search, its process killed some times."""
    folder.mkdir()
    while True:
        events = read_log(folder)
        with Log(folder) as log:
            workers = Workers(Course(search_plan(study=study), log, events), cores, choose)
            life = choose.randrange(1, 12) if kills else 10_000
            while life and workers.step():
                life -= 1
            if not kills:
                assert workers.course.done
                return History(read_log(folder))
        kills -= 1
        with open(folder / LOG, "ab") as torn:
            torn.write(b'{"event": "repor')


def outcome(history: History) -> tuple[str, str]:
    trials = trials_frame(history, ["a", "b", "c", "d"], "mae").drop(columns=["started", "ended"])
    decisions = decisions_frame(history).drop(columns="elapsed")
    return trials.to_csv(), decisions.to_csv()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return outcome(finished(tmp_path_factory.mktemp("one") / "run", 1, random.Random(0)))


def test_a_search_decides_stops_and_confirms(reference: tuple[str, str]) -> None:
    trials, decisions = reference
    for status in ("stopped", "completed", "diverged"):
        assert status in trials
    assert "confirm-winner" in trials
    assert "confirm-baseline" in trials
    assert "True" in decisions


def of_old() -> Search:
    """As the record of a run holds it that was begun before samplers could be chosen."""
    study = from_dict({key: value for key, value in to_dict(SEARCH).items() if key != "sampler"})
    assert isinstance(study, Search)
    return study


@pytest.mark.parametrize(
    ("study", "recorded"), [(of_old(), "recorded_search.json"), (SEARCH, "recorded_univariate.json")]
)
def test_a_default_suggests_what_it_always_has(tmp_path: Path, study: Search, recorded: str) -> None:
    """Forty suggestions recorded with Optuna 5.0.0, of both defaults that there have been: old tables stay
    true, and runs of old go on."""
    history = finished(tmp_path / "run", 1, random.Random(0), study=replace(study, trials=40))
    recorded = json.loads((RECORDED / recorded).read_text())
    for entry, changes in zip(history.phase("search"), recorded, strict=True):
        assert entry.spec.changes == pytest.approx(changes, rel=1e-12)


@settings(max_examples=25)
@given(cores=st.integers(1, 6), seed=st.integers(0, 10_000), kills=st.integers(0, 6))
def test_a_search_is_the_same_with_any_workers_order_and_kills(
    reference: tuple[str, str], tmp_path_factory: pytest.TempPathFactory, cores: int, seed: int, kills: int
) -> None:
    folder = tmp_path_factory.mktemp("any") / "run"
    history = finished(folder, cores, random.Random(seed), kills)
    assert outcome(history) == reference
    events = read_log(folder)
    suggested = [event.trial for event in events if isinstance(event, Suggested)]
    ended = [event.trial for event in events if isinstance(event, Ended)]
    assert len(set(suggested)) == len(suggested) == len(ended) == len(set(ended)), "none doubled or lost"
    decided = [(event.trial, event.rung) for event in events if isinstance(event, Decided)]
    assert len(set(decided)) == len(decided)


BUDGETED = replace(SEARCH, budget=0.4)
"""So short that some trials complete within it and others are interrupted, one of them at its first rung."""


@pytest.fixture(scope="module")
def budgeted(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("budgeted") / "run"
    return outcome(finished(folder, 1, random.Random(0), study=BUDGETED))


def test_a_budget_interrupts_what_runs_and_confirms_the_best(budgeted: tuple[str, str]) -> None:
    trials, _ = budgeted
    assert trials.count("search,") < SEARCH.trials * SEARCH.replicates
    for told in ("completed", "interrupted", "confirm-winner"):
        assert told in trials


@settings(max_examples=25)
@given(cores=st.integers(1, 6), seed=st.integers(0, 10_000), kills=st.integers(0, 6))
def test_a_budget_cuts_the_same_search_short_with_any_workers_order_and_kills(
    budgeted: tuple[str, str], tmp_path_factory: pytest.TempPathFactory, cores: int, seed: int, kills: int
) -> None:
    folder = tmp_path_factory.mktemp("any") / "run"
    assert outcome(finished(folder, cores, random.Random(seed), kills, BUDGETED)) == budgeted


def test_one_trial_completes_however_small_the_budget(tmp_path: Path) -> None:
    history = finished(tmp_path / "run", 2, random.Random(0), study=replace(SEARCH, budget=1e-6))
    statuses = [entry.status for entry in history.phase("search")]
    assert statuses.count("completed") == 1
    assert len(history.phase("confirm")) == 4


def test_one_trial_completes_however_early_a_search_is_cut(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        course = Course(search_plan(), log)
        workers = Workers(course, 2, random.Random(1))
        assert workers.step()
        course.cut()
        begun = len(course.history.phase("search"))
        while workers.step():
            pass
        assert course.done
        statuses = [entry.status for entry in course.history.phase("search")]
    assert statuses.count("completed") == 1
    assert begun <= len(statuses) <= SEARCH.workers, "nothing is suggested after the cut"
    again = read_log(tmp_path)
    with Log(tmp_path) as log:
        assert Course(search_plan(), log, again).done
    assert len(read_log(tmp_path)) == len(again), "a replay decides as the study did"


def prefix(events: list[Event], until: Callable[[Event], bool]) -> list[Event]:
    return events[: next(i for i, event in enumerate(events) if until(event)) + 1]


def test_what_follows_a_report_is_logged_again_where_the_crash_came_between(tmp_path: Path) -> None:
    finished(tmp_path / "run", 2, random.Random(5))
    events = read_log(tmp_path / "run")
    cut = prefix(events, lambda event: isinstance(event, Decided))[:-1]
    (tmp_path / "again").mkdir()
    with Log(tmp_path / "again") as log:
        log.append(cut)
        Course(search_plan(), log, cut)
    added = read_log(tmp_path / "again")[len(cut) :]
    assert isinstance(added[0], Decided)


def test_a_log_of_another_study_is_refused(tmp_path: Path) -> None:
    finished(tmp_path / "run", 1, random.Random(0))
    other = replace(SEARCH, base=SEARCH.base.changed({"width": 5}))
    with Log(tmp_path / "run") as log, pytest.raises(StudyError, match="other settings"):
        Course(search_plan(study=other), log, read_log(tmp_path / "run"))
    fewer = replace(SEARCH, trials=3)
    with Log(tmp_path / "run") as log, pytest.raises(StudyError, match="would not have started"):
        Course(search_plan(study=fewer), log, read_log(tmp_path / "run"))


def test_a_failed_trial_ends_as_failed_and_the_search_goes_on(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        course = Course(search_plan(), log)
        workers = Workers(course, 2, random.Random(1))
        first = course.next(2)
        assert first is not None
        course.fail(first.name, "ValueError: no", None)
        while workers.step():
            pass
        assert course.done
        assert course.entry(first.name).status == "failed"
        assert course.cause is None
        statuses = {entry.status for entry in course.history.phase("search")}
    assert {"failed", "completed"} <= statuses


def test_trials_that_fail_alike_have_one_cause(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        course = Course(search_plan(), log)
        for _ in range(ALIKE):
            assert course.cause is None
            trial = course.next(1)
            assert trial is not None
            course.fail(trial.name, "ValueError: no", None)
        assert course.cause == "ValueError: no"


def test_a_search_that_is_cut_interrupts_what_runs_and_confirms_the_best(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        course = Course(search_plan(), log)
        workers = Workers(course, 2, random.Random(1))
        while not any(entry.status == "completed" for entry in course.history.entries.values()):
            assert workers.step()
        course.cut()
        assert all(not entry.running for entry in course.history.phase("search"))
        while workers.step():
            pass
        assert course.done
    again = read_log(tmp_path)
    with Log(tmp_path) as log:
        assert Course(search_plan(), log, again).done
    assert len(History(again).phase("confirm")) == 4


def test_the_baseline_is_trained_by_cores_that_have_nothing_else_to_do(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        course = Course(search_plan(), log)
        started = []
        while (trial := course.next(8)) is not None:
            started.append(trial)
        assert [trial.phase for trial in started] == ["search"] * SEARCH.workers, "suggestions are to come"
        while any(trial.phase == "search" for trial in started):
            trial = started.pop(0)
            for told in reports(trial):
                course.report(trial.name, told)
            while (new := course.next(8)) is not None:
                started.append(new)
    kinds = [(e.trial, type(e)) for e in read_log(tmp_path) if isinstance(e, (Suggested, Ended))]
    begun = kinds.index(("confirm-baseline", Suggested))
    last = max(i for i, (name, kind) in enumerate(kinds) if kind is Ended and name.isdigit())
    assert begun < last


def test_what_a_process_said_when_it_left_counts_until_the_next(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        course = Course(search_plan(), log)
        trial = course.next(1)
        assert trial is not None
        course.append([Left(state="interrupted", measured={trial.name: metrics(trial, 17)})])
    history = History(read_log(tmp_path))
    row = trials_frame(history, ["a", "b", "c", "d"], "mae").iloc[0]
    assert (row["status"], row["iterations"]) == ("interrupted", 17)
    assert not [e for e in read_log(tmp_path) if isinstance(e, (Failed, Reported))]
