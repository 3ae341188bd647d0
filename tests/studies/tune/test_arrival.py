"""Searches in the order of arrival: Tune's searchers and schedulers choose, the log remembers."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler, TPESampler
from ray import tune
from ray.tune.schedulers import (
    SCHEDULER_IMPORT,
    ASHAScheduler,
    FIFOScheduler,
    MedianStoppingRule,
    ResourceChangingScheduler,
)
from ray.tune.search import SEARCH_ALG_IMPORT, Searcher
from ray.tune.search.optuna import OptunaSearch

from dgm_core import ConfigurationError
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.records.events import Reported, Suggested
from studies.records.history import History
from studies.records.log import LOG, Log, read_log
from studies.records.storage import Store
from studies.study import Choice, PowersOfTwo, Search, from_dict, to_dict
from studies.tune.arrival import arrival_parts
from studies.tune.offered import POPULATIONS, SCHEDULERS, SEARCHERS
from studies.tune.ray_parts import Arrival, domain
from studies.tune.tuning import METRICS, Engine, PlanCallback
from studies.tune.worker_pool import WorkerPool
from tests.studies.running.synthetic import SEARCH, reports

ARRIVAL = replace(SEARCH, order="arrival", confirmations=2)
DRAWS = itertools.count()


def seeded() -> Searcher:
    return OptunaSearch(sampler=TPESampler(seed=5, n_startup_trials=3))


def at_random() -> Searcher:
    """Suggests something else in each process, though the same in each run of the tests."""
    return OptunaSearch(sampler=RandomSampler(seed=next(DRAWS)))


def ahead() -> Searcher:
    return tune.search.ConcurrencyLimiter(OptunaSearch(sampler=TPESampler(seed=1)), max_concurrent=1)


class Forgetful(Searcher):
    """Suggests at random, and can be told of no trial but its own."""

    def set_search_properties(self, metric: str, mode: str, config: dict[str, Any], **spec: Any) -> bool:
        self._metric, self._mode, self._space = metric, mode, config
        self._draw = np.random.RandomState(next(DRAWS))
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        return {key: domain.sample(random_state=self._draw) for key, domain in self._space.items()}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None: ...

    def save(self, checkpoint_path: str) -> None: ...

    def restore(self, checkpoint_path: str) -> None: ...


class Numbers(Forgetful):
    """Takes floats alone, and says so as Tune's searchers do."""

    def set_search_properties(self, metric: str, mode: str, config: dict[str, Any], **spec: Any) -> bool:
        raise ValueError("Numbers does not support parameters of type `Integer`")


class Short(Forgetful):
    """Ends after three trials."""

    def suggest(self, trial_id: str) -> Any:
        return Searcher.FINISHED if trial_id > "003" else super().suggest(trial_id)


class Tune:
    """Stands for Tune with so many workers: which of them reports next is chosen at random."""

    def __init__(
        self, folder: Path, log: Log, study: Search, cores: int, choose: random.Random, said: list[str]
    ) -> None:
        events = read_log(folder)
        known = {event.trial: event.changes for event in events if isinstance(event, Suggested)}
        self.course = Course(SearchPlan(study, 1, known), log, events)
        self.pool = WorkerPool(cores)
        self.engine = Engine(folder, Store.at(folder), self.course, self.pool)
        self.searcher, self.scheduler = arrival_parts(self.engine, Arrival(study, said.append))
        self.follower = PlanCallback(self.engine)
        cache = SimpleNamespace(increase_max=lambda *given: None)
        self.controller: Any = SimpleNamespace(_actor_cache=cache, get_live_trials=list)
        self.running: list[Any] = []
        self.most = 0
        self.choose = choose

    def step(self) -> bool:
        """Starts what can be started, and has one trial report; whether any could."""
        while len(self.running) < self.pool.cores and isinstance(given := self.searcher.suggest("any"), dict):
            trial = SimpleTrial(given)
            self.scheduler.on_trial_add(self.controller, trial)
            self.running.append(trial)
        self.most = max(self.most, len(self.running))
        if not self.running:
            return False
        trial = self.choose.choice(self.running)
        name = trial.config["trial"]
        at = next(iter(trial.left(self.course)))
        said = {METRICS: at.model_dump_json(), "iterations": at.iterations, "training_iteration": 77}
        action = self.scheduler.on_trial_result(self.controller, trial, said)
        assert action in (self.scheduler.CONTINUE, self.scheduler.STOP)
        if action == self.scheduler.STOP or at.final:
            self.running.remove(trial)
            self.follower.on_trial_complete(1, [], trial)
            assert not self.course.entry(name).running or self.course.entry(name).paused
        return True


class SimpleTrial:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config, self.trial_id, self.status = config, f"tune-{config['trial']}", "RUNNING"
        self.placement_group_factory = None
        self.error_file = None

    def left(self, course: Course) -> list[Any]:
        """What it has not reported yet, the last once more where its process is another one."""
        told = course.entry(self.config["trial"]).reports
        return [each for each in reports(course.trial(self.config["trial"])) if each.iterations not in told]


def finished(
    folder: Path, study: Search, *, cores: int = 2, kills: int = 0, seed: int = 0
) -> tuple[History, list[str]]:
    """A whole search, its process killed some times; and what was said meanwhile."""
    folder.mkdir()
    choose, said = random.Random(seed), list[str]()
    while True:
        with Log(folder) as log:
            driver = Tune(folder, log, study, cores, choose, said)
            life = choose.randrange(4, 14) if kills else 10_000
            while life and driver.step():
                life -= 1
            if not kills:
                assert driver.course.done
                assert driver.most <= min(cores, study.workers) or driver.pool.cores == 1
                return History(read_log(folder)), said
        kills -= 1
        with open(folder / LOG, "ab") as torn:
            torn.write(b'{"event": "repor')


def suggested(history: History) -> list[Any]:
    return [entry.spec.changes for entry in history.phase("search")]


def test_the_names_offered_are_those_that_tune_creates() -> None:
    assert SEARCHERS.keys() == SEARCH_ALG_IMPORT.keys() - {"random", "variant_generator"}  # Tune's default
    for name in SCHEDULERS:
        assert not Arrival(replace(ARRIVAL, scheduler=name)).population
    assert POPULATIONS.keys() < SCHEDULER_IMPORT.keys()


@pytest.mark.parametrize("scheduler", sorted(SCHEDULERS))
@pytest.mark.parametrize("kills", [0, 3])
def test_a_search_comes_to_its_end_and_its_winner_is_confirmed(
    tmp_path: Path, scheduler: str, kills: int
) -> None:
    history, said = finished(tmp_path / "run", replace(ARRIVAL, scheduler=scheduler), kills=kills)
    entries = history.phase("search")
    assert [entry.trial for entry in entries] == [f"{n:03d}" for n in range(1, ARRIVAL.trials + 1)]
    assert all(entry.status in ("completed", "stopped", "diverged") for entry in entries)
    stopped = [entry for entry in entries if entry.rung is not None]
    # The first bracket of Tune's Hyperband stops none, and takes all that four workers train.
    assert bool(stopped) == (scheduler not in ("fifo", "hyperband"))
    best = min((e for e in entries if e.status == "completed"), key=lambda entry: entry.score)
    confirmed = [entry for entry in history.phase("confirm") if entry.spec.arm == "winner"]
    assert {str(entry.spec.changes) for entry in confirmed} == {str(best.spec.changes)}
    assert all(entry.status == "completed" for entry in history.phase("confirm"))
    assert said == []  # Optuna can be told of earlier trials


def test_a_trial_that_goes_on_though_the_scheduler_would_have_stopped_it_is_stopped_at_its_next_report(
    tmp_path: Path,
) -> None:
    """Told results in another order after a kill, a scheduler can stop what it let go on before."""

    class Changing(FIFOScheduler):
        """Stops nothing in the first process and all in the next; may not be told of what it stopped."""

        def __init__(self) -> None:
            super().__init__()
            self.resumed = "reported" in (tmp_path / "run" / LOG).read_text()
            self.over: set[str] = set()

        def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
            name = trial.trial_id.removeprefix("tune-")
            assert name not in self.over
            if not self.resumed or name == "001":
                return str(self.CONTINUE)
            self.over.add(name)
            return str(self.STOP)

    history, _ = finished(tmp_path / "run", replace(ARRIVAL, scheduler=Changing), cores=3, kills=1, seed=3)
    stopped = [entry for entry in history.phase("search") if entry.status == "stopped"]
    assert any(len(entry.reports) > 1 for entry in stopped)
    assert len(history.phase("search")) == ARRIVAL.trials


def test_of_one_worker_a_seeded_searcher_goes_on_after_kills_as_if_without(
    tmp_path: Path,
) -> None:
    study = replace(ARRIVAL, searcher=seeded)
    whole, _ = finished(tmp_path / "whole", study, cores=1)
    killed, _ = finished(tmp_path / "killed", study, cores=1, kills=3, seed=4)
    assert suggested(killed) == suggested(whole)
    decided = [(d.trial, d.rung, d.stopped) for d in whole.decisions]
    assert [(d.trial, d.rung, d.stopped) for d in killed.decisions] == decided


@pytest.mark.parametrize("name", ["optuna", "hyperopt"])
def test_one_that_is_named_has_the_study_s_seed(tmp_path: Path, name: str) -> None:
    if name != "optuna":
        pytest.importorskip(name)
    study = replace(ARRIVAL, searcher=name)
    first, again, other = (Arrival(study, seed=seed).searcher().suggest("001") for seed in (3, 3, 4))
    assert first == again
    assert first != other
    _, said = finished(tmp_path / "run", study, kills=3)
    assert said == []  # it suggests again what it did: nobody has to tell it the results


@pytest.mark.parametrize("make", [at_random, ahead])
def test_one_without_a_seed_is_told_the_results(tmp_path: Path, make: Any) -> None:
    history, _ = finished(tmp_path / "run", replace(ARRIVAL, searcher=make), kills=2)
    assert len(history.phase("search")) == ARRIVAL.trials


def test_one_that_cannot_be_told_goes_on_and_that_is_said(tmp_path: Path) -> None:
    _, said = finished(tmp_path / "run", replace(ARRIVAL, searcher=Forgetful), kills=2)
    assert said
    assert set(said) == {"Forgetful cannot be told of earlier trials, and goes on without them."}


def test_one_that_ends_early_ends_the_search(tmp_path: Path) -> None:
    history, _ = finished(tmp_path / "run", replace(ARRIVAL, searcher=Short, scheduler="fifo"))
    assert len(history.phase("search")) == 3
    assert history.phase("confirm")


def test_a_time_limit_cuts_it(tmp_path: Path) -> None:
    with Log(tmp_path) as log:
        driver = Tune(tmp_path, log, replace(ARRIVAL, scheduler="fifo"), 2, random.Random(0), [])
        while not any(e.status == "completed" for e in driver.course.history.phase("search")):
            driver.step()
        driver.course.cut()
        statuses = {entry.status for entry in driver.course.history.phase("search")}
        assert statuses <= {"completed", "interrupted", "diverged"}
        assert next(driver.course.plan.ready(), None) is not None


@pytest.mark.parametrize("scheduler", ["asha", "bohb"])
def test_a_failed_trial_is_told_and_the_others_go_on(tmp_path: Path, scheduler: str) -> None:
    """Those that are paused too, which wait for it."""
    with Log(tmp_path) as log:
        driver = Tune(tmp_path, log, replace(ARRIVAL, scheduler=scheduler), 2, random.Random(0), [])
        driver.step()
        while scheduler == "bohb" and not any(e.paused for e in driver.course.history.entries.values()):
            driver.step()
        trial = driver.running.pop()
        driver.scheduler.on_trial_error(driver.controller, trial)
        driver.follower.on_trial_error(1, [], trial)
        while driver.step():
            pass
        assert driver.course.done
        assert driver.course.entry(trial.config["trial"]).status == "failed"


def test_the_log_of_a_search_holds_each_look(tmp_path: Path) -> None:
    history, _ = finished(tmp_path / "run", ARRIVAL)
    told = [event for event in read_log(tmp_path / "run") if isinstance(event, Reported)]
    looks = [each for each in told if each.trial.isdigit() and not each.metrics.final]
    assert [(d.trial, d.rung) for d in history.decisions] == [(e.trial, e.metrics.iterations) for e in looks]
    assert all(rung % ARRIVAL.grace_period == 0 for _, rung in ((d.trial, d.rung) for d in history.decisions))


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (IntDistribution(1, 3), {1, 2, 3}),
        (IntDistribution(2, 8, step=2), {2, 4, 6, 8}),
        (IntDistribution(1, 4, log=True), {1, 2, 3, 4}),
        (CategoricalDistribution(["a", None, True]), {"a", None, True}),
        (FloatDistribution(0.0, 1.0, step=0.5), {0.0, 0.5, 1.0}),
    ],
)
def test_tune_draws_what_optuna_would(distribution: Any, values: set[Any]) -> None:
    drawn = domain(distribution)
    assert {drawn.sample() for _ in range(300)} == values


def test_settings_come_back_as_the_space_has_them(tmp_path: Path) -> None:
    space = {"milestones": Choice([(5,), (10, 20)]), "batch_size": PowersOfTwo(4, 16)}
    base = ARRIVAL.base.changed({"milestones": (5,), "schedule": "step", "decay": 0.5})
    study = replace(ARRIVAL, base=base, space=space, trials=8, scheduler="fifo")
    history, _ = finished(tmp_path / "run", study)
    changes = suggested(history)
    assert {each["batch_size"] for each in changes} <= {4, 8, 16}
    assert {tuple(each["milestones"]) for each in changes} <= {(5,), (10, 20)}


def test_a_study_by_arrival_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("__main__.seeded", seeded, raising=False)
    for study in (replace(ARRIVAL, searcher=seeded), SEARCH.by_arrival("hebo", "median")):
        assert from_dict(to_dict(study)) == study


def aimed() -> Any:
    return ASHAScheduler(metric="loss", mode="max")


def by_epochs() -> Any:
    return ASHAScheduler(time_attr="epoch", max_t=10)


def median_by_steps() -> Any:
    return MedianStoppingRule(time_attr="steps")


class Looking(FIFOScheduler):
    """Of a user's own: looks for what only some trainings report, and at Tune's own controller."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        assert tune_controller is not None
        return str(self.STOP if "cost" in result and result["cost"] > 1 else self.CONTINUE)


def by_reports() -> Any:
    return ASHAScheduler(time_attr="training_iteration", max_t=10)


def changing_resources() -> Any:
    return ResourceChangingScheduler()


def spaced() -> Any:
    return OptunaSearch(space={"x": tune.uniform(0, 1)}, metric="loss", mode="min")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"searcher": "optunaa"}, "unknown searcher 'optunaa'.*Did you mean 'optuna'"),
        ({"scheduler": "ahsa"}, "unknown scheduler 'ahsa'.*Did you mean 'asha'"),
        ({"searcher": "nevergrad"}, "the searcher 'nevergrad' cannot be created: .*nevergrad"),
        ({"searcher": Numbers}, "'Numbers' cannot search the space of .*: Numbers does not support"),
        ({"searcher": lambda: 3}, "returned a int: it must return a Ray Tune searcher"),
        ({"scheduler": MedianStoppingRule.__mro__[-1]}, "must return a Ray Tune scheduler"),
        ({"scheduler": changing_resources}, "changes the resources of trials: .*plain Ray Tune"),
        ({"scheduler": by_epochs}, "'by_epochs' counts by 'epoch', which trials do not report"),
        ({"scheduler": median_by_steps}, "'median_by_steps' counts by 'steps'.*time_attr='iterations'"),
        ({"scheduler": aimed}, "'aimed' sets a metric or a mode"),
        ({"searcher": spaced}, "'spaced' sets a space, a metric or a mode"),
    ],
)
def test_what_cannot_serve_is_one_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Arrival(replace(ARRIVAL, **changes))


@pytest.mark.parametrize("scheduler", [*SCHEDULERS, by_reports, Looking])
def test_what_counts_by_a_report_serves(scheduler: Any) -> None:
    assert not Arrival(replace(ARRIVAL, scheduler=scheduler)).population


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"searcher": "optuna"}, "searcher of .* is not allowed with order = 'clock'"),
        ({"order": "arrival", "sampler": "gp"}, "sampler of .* is not allowed with order = 'arrival'"),
        ({"order": "arrival", "budget": 10.0}, "budget of .* is not allowed with order = 'arrival'"),
        ({"order": "arival"}, re.escape("order = 'arival' is not allowed")),
    ],
)
def test_one_orders_settings_are_refused_in_the_other(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(SEARCH, **changes)


@pytest.mark.parametrize("kills", [0, 3])
def test_what_a_search_asks_once_it_is_over_is_asked_by_arrival_too(tmp_path: Path, kills: int) -> None:
    study = replace(ARRIVAL, audit=0.5, confirm_top=3, explain=True)
    history, _ = finished(tmp_path / "run", study, kills=kills)
    entries = history.phase("search")
    stopped = {entry.trial: entry for entry in entries if entry.status == "stopped"}
    audited = history.phase("audit")
    assert audited
    for entry in audited:
        assert entry.spec.arm in stopped
        assert entry.status in ("completed", "diverged")
        assert entry.spec.changes == stopped[entry.spec.arm].spec.changes
        assert entry.spec.seeds == stopped[entry.spec.arm].spec.seeds
    ranked = sorted((e for e in entries if e.status == "completed"), key=lambda entry: entry.score)
    assert {entry.spec.arm for entry in history.phase("rivals")} == {entry.trial for entry in ranked[1:3]}
    assert history.phase("path")


def test_settings_to_start_from_are_the_searchers_own_by_arrival() -> None:
    with pytest.raises(
        ConfigurationError, match=r"start_from of .* give the searcher its points_to_evaluate"
    ):
        replace(ARRIVAL, start_from=[{"learning_rate": 0.01}])
