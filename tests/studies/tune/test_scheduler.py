"""What Tune is told, by a controller that only notes it: holding, training ahead, recovering, ending."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from studies.planning.course import Course
from studies.records.events import Decided, Polishing
from studies.records.log import Log, read_log
from studies.records.storage import Store
from studies.tune.tuning import METRICS, Engine, PlanCallback, PlanScheduler, PlanSearcher
from studies.tune.worker_pool import WorkerPool
from tests.studies.running.synthetic import SEARCH, metrics, reports, search_plan


@dataclass
class Controller:
    """Stands for Tune's: what it was asked to do."""

    went_on: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    ended: bool = False
    _reuse_actors: bool = True

    def _schedule_trial_train(self, trial: Any) -> None:
        self.went_on.append(trial.config["trial"])

    def stop_trial(self, trial: Any) -> None:
        self.stopped.append(trial.config["trial"])

    def request_stop_experiment(self) -> None:
        self.ended = True


class Study:
    """A search on so many workers, told what its trials report."""

    def __init__(self, folder: Path, log: Log, cores: int) -> None:
        self.course = Course(search_plan(), log, read_log(folder))
        self.pool = WorkerPool(cores)
        self.engine = Engine(folder, Store.at(folder), self.course, self.pool)
        self.searcher, self.scheduler = PlanSearcher(self.engine), PlanScheduler(self.engine)
        self.controller = Controller()
        self.trials: dict[str, Any] = {}

    def start(self, most: int = 100) -> list[str]:
        """Starts trials until the searcher has none, as Tune does while it has resources; their names."""
        names: list[str] = []
        while len(names) < most and isinstance(config := self.searcher.suggest("any"), dict):
            trial = SimpleNamespace(config=config, error_file=None)
            self.trials[config["trial"]] = trial
            names.append(config["trial"])
        return names

    def report(self, name: str, rung: int) -> str:
        """A trial stands at a rung, or at its end where that comes first; what Tune is told."""
        trial = self.course._trials[name]
        at = metrics(trial, min(rung, trial.setup.config.iterations))
        said = {METRICS: at.model_dump_json(), "training_iteration": at.iterations}
        told = self.scheduler.on_trial_result(self.controller, self.trials[name], said)
        if told == TrialScheduler.STOP or (at.final and told == TrialScheduler.CONTINUE):
            self._end(name)
        return told

    def polish(self, name: str, done: int) -> str:
        """A trial says how far its polish is; what Tune is told."""
        said = {"iterations": 40, "polish": done, "polish_of": 200}
        return self.scheduler.on_trial_result(self.controller, self.trials[name], said)

    def go_round(self) -> None:
        before = len(self.controller.stopped)
        self.scheduler.choose_trial_to_run(self.controller)
        for name in self.controller.stopped[before:]:
            self._end(name)

    def _end(self, name: str) -> None:
        PlanCallback(self.engine).on_trial_complete(0, [], self.trials[name])


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with Log(tmp_path) as log:
        yield log


def logical_order(folder: Path, log: Log) -> list[str]:
    """Trials of the first suggestions in the order in which their first rungs are decided."""
    study = Study(folder, log, SEARCH.workers)
    names = study.start()
    for name in names:
        study.report(name, SEARCH.rungs[0])
    return [event.trial for event in read_log(folder) if isinstance(event, Decided)]


def test_a_trial_whose_decision_needs_results_of_others_is_held_until_they_are_there(
    tmp_path: Path, log: Log
) -> None:
    (tmp_path / "first").mkdir()
    with Log(tmp_path / "first") as other:
        order = logical_order(tmp_path / "first", other)
    study = Study(tmp_path, log, SEARCH.workers)
    assert set(order) <= set(study.start())
    late, early = order[-1], order[0]
    assert study.report(late, SEARCH.rungs[0]) == TrialScheduler.NOOP
    assert set(study.pool.waiting) == {late}
    for name in order[1:-1]:
        study.report(name, SEARCH.rungs[0])
    assert not [event for event in read_log(tmp_path) if isinstance(event, Decided)]
    study.report(early, SEARCH.rungs[0])
    decided = {event.trial: event.stopped for event in read_log(tmp_path) if isinstance(event, Decided)}
    assert list(decided) == order, "in the order of the clock, not of arrival"
    study.go_round()
    assert not study.pool.waiting
    held = set(order[1:])
    assert set(study.controller.stopped) == {name for name in held if decided[name]}
    assert set(study.controller.went_on) == {name for name in held if not decided[name]}


def test_a_core_that_would_idle_trains_a_held_trial_ahead(tmp_path: Path, log: Log) -> None:
    (tmp_path / "first").mkdir()
    with Log(tmp_path / "first") as other:
        late = logical_order(tmp_path / "first", other)[-1]
    study = Study(tmp_path, log, SEARCH.workers)
    study.start()
    study.report(late, SEARCH.rungs[0])
    study.go_round()
    assert study.controller.went_on == [late], "nothing else is there to start"
    assert late not in study.pool.waiting


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_no_more_trials_train_than_there_are_cores(cores: int, tmp_path: Path, log: Log) -> None:
    study = Study(tmp_path, log, cores)
    most = 0
    for _ in range(1_000):
        study.start()
        training = study.pool.busy - study.pool.waiting.keys()
        most = max(most, len(training))
        if not training:
            break
        name = max(training)  # not the one that is next by the clock
        reports = study.course.entry(name).reports
        study.report(name, next((rung for rung in SEARCH.rungs if rung not in reports), SEARCH.max_t))
        study.go_round()
    assert study.course.done
    assert most == cores
    assert study.controller.went_on, "some were held, and went on"


def test_a_trial_that_trained_ahead_and_is_stopped_counts_up_to_its_rung(tmp_path: Path, log: Log) -> None:
    study = Study(tmp_path, log, SEARCH.workers)
    ahead = []
    while names := study.start():
        for name in reversed(names):  # each trains to its end, whatever is decided later
            for rung in (*SEARCH.rungs, SEARCH.max_t):
                if study.report(name, rung) == TrialScheduler.STOP:
                    break
                study.go_round()
                ahead.append((name, rung))
    stopped = [event for event in read_log(tmp_path) if isinstance(event, Decided) and event.stopped]
    beyond = [event for event in stopped if any(n == event.trial and r > event.rung for n, r in ahead)]
    assert beyond
    for event in stopped:
        assert study.course.entry(event.trial).iterations == event.rung


def test_after_a_crash_what_was_under_way_is_given_out_first(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        study = Study(tmp_path, log, 3)
        names = study.start()
        study.report(names[0], SEARCH.rungs[0])
    with Log(tmp_path) as log:
        again = Study(tmp_path, log, 3)
        assert again.start() == names
        assert again.course.entry(names[0]).reports.keys() == {SEARCH.rungs[0]}


def test_a_trial_that_failed_has_its_traceback_kept_and_frees_its_worker(tmp_path: Path, log: Log) -> None:
    study = Study(tmp_path, log, 1)
    (name,) = study.start(1)
    error = tmp_path / "error.txt"
    error.write_text("Traceback (most recent call last):\n  …\nValueError: no such luck\n")
    study.trials[name].error_file = str(error)
    PlanCallback(study.engine).on_trial_error(0, [], study.trials[name])
    entry = study.course.entry(name)
    assert (entry.status, entry.error) == ("failed", "ValueError: no such luck")
    assert "such luck" in (tmp_path / "failures" / f"{study.trials[name].config['folder']}.txt").read_text()
    assert study.pool.idle == 1
    assert study.start(), "the worker gets another trial"


def test_failures_of_one_cause_end_the_experiment(tmp_path: Path, log: Log) -> None:
    study = Study(tmp_path, log, 1)
    while study.course.cause is None:
        (name,) = study.start(1)
        PlanCallback(study.engine).on_trial_error(0, [], study.trials[name])
    study.go_round()
    assert study.controller.ended
    assert study.searcher.suggest("any") == Searcher.FINISHED


def test_a_full_disk_halts_without_a_failure(tmp_path: Path, log: Log) -> None:
    study = Study(tmp_path, log, 1)
    (name,) = study.start(1)
    error = tmp_path / "error.txt"
    error.write_text("OSError: [Errno 28] No space left on device\n")
    study.trials[name].error_file = str(error)
    PlanCallback(study.engine).on_trial_error(0, [], study.trials[name])
    assert study.engine.full is not None
    assert study.course.entry(name).running, "it goes on when there is room"


def test_the_log_says_how_far_a_polish_is(tmp_path: Path, log: Log) -> None:
    study = Study(tmp_path, log, SEARCH.workers)
    first = study.start()[0]
    done = (1, 20, 49, 50, 51, 120, 199)
    assert {study.polish(first, step) for step in done} == {TrialScheduler.CONTINUE}
    told = [event for event in read_log(tmp_path) if isinstance(event, Polishing)]
    assert [(event.trial, event.iterations, event.done) for event in told] == [
        (first, 40, step) for step in (1, 50, 120, 199)
    ]
    assert study.course.entry(first).polishing == told[-1]


def test_a_time_limit_ends_a_polish(tmp_path: Path, log: Log) -> None:
    study = Study(tmp_path, log, SEARCH.workers)
    trials = {name: study.course.trial(name) for name in study.start()}
    last = max(trials, key=lambda name: trials[name].setup.config.iterations)
    study.course.cut()
    for name, trial in trials.items():
        for at in reports(trial):
            if name != last or not at.final:
                study.course.report(name, at)
    assert study.course.entry(last).status == "interrupted"
    assert study.polish(last, 7) == TrialScheduler.STOP
