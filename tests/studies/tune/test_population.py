"""Populations in a study: Ray Tune's PBT changes settings of trials under way, and the log says when."""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from ray import tune
from ray.tune.schedulers import PopulationBasedTraining
from ray.tune.search.optuna import OptunaSearch

from dgm_core import ConfigurationError
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.records.events import Exploited, Reported, Suggested
from studies.records.history import History
from studies.records.log import LOG, Log, read_log
from studies.records.storage import Store
from studies.study import Choice, PowersOfTwo, Search
from studies.study.space import nearest
from studies.trials.checkpoints import checkpoint_key, snapshot_folder
from studies.trials.trainable import SCORE
from studies.tune.arrival import arrival_parts
from studies.tune.private.population import POPULATION, Population, Snapshot
from studies.tune.ray_parts import Arrival
from studies.tune.tuning import METRICS, Engine, PlanCallback
from studies.tune.worker_pool import WorkerPool
from tests.studies.running.synthetic import SEARCH, metrics

SPACE = {"learning_rate": FloatDistribution(1e-4, 1e-1, log=True), "batch_size": PowersOfTwo(4, 16)}
STUDY = replace(
    SEARCH, space=SPACE, trials=5, confirmations=2, order="arrival", scheduler="pbt", grace_period=80
)


def together() -> PopulationBasedTraining:
    return PopulationBasedTraining(
        time_attr="iterations",
        perturbation_interval=80,
        hyperparam_mutations={"learning_rate": tune.loguniform(1e-4, 1e-1)},
        quantile_fraction=0.5,
        synch=True,
    )


class Driver:
    """Stands for Tune with two workers: which of them reports next is chosen at random."""

    def __init__(self, folder: Path, log: Log, study: Search, choose: random.Random) -> None:
        events = read_log(folder)
        known = {event.trial: event.changes for event in events if isinstance(event, Suggested)}
        self.course = Course(SearchPlan(study, 1, known), log, events)
        self.pool, self.said = WorkerPool(2), list[str]()
        self.engine = Engine(folder, Store.at(folder), self.course, self.pool)
        self.searcher, self.scheduler = arrival_parts(self.engine, Arrival(study, self.said.append))
        self.follower = PlanCallback(self.engine)
        cache = SimpleNamespace(increase_max=lambda *given: None)
        self.controller: Any = SimpleNamespace(_actor_cache=cache)
        self.running: list[Any] = []
        self.choose = choose
        self.store = Store.at(folder)
        self.most = 0

    def step(self) -> bool:
        while isinstance(given := self.searcher.suggest("any"), dict):
            self.begin(given)
            trial = SimpleNamespace(config=given, trial_id=given["trial"], placement_group_factory=None)
            self.scheduler.on_trial_add(self.controller, trial)
            self.running.append(trial)
            assert len(self.running) <= 2
        if not self.running:
            assert self.course.done
            return False
        trial = self.choose.choice(self.running)
        name = trial.config["trial"]
        goes = self.course.trial(name)
        told = self.course.entry(name).reports
        ends = (*goes.rungs, goes.setup.config.iterations)
        at = metrics(goes, next(end for end in ends if end not in told))
        self.save(goes.folder)
        if trial.config["snapshots"] and not at.final:
            self.save(snapshot_folder(goes.folder, at.iterations))
        action = self.scheduler.on_trial_result(self.controller, trial, {METRICS: at.model_dump_json()})
        if action == self.scheduler.STOP or at.final:
            self.running.remove(trial)
            self.follower.on_trial_complete(1, [], trial)
        return True

    def begin(self, given: dict[str, Any]) -> None:
        """What a worker begins from is there; and how much else is."""
        if given["origin"] is not None and self.store.read(checkpoint_key(given["folder"])) is None:
            assert self.store.read(checkpoint_key(given["origin"])) is not None
        states = [key for key in self.store.sizes() if "-at-" in key]
        self.most = max(self.most, len(states))

    def save(self, folder: str) -> None:
        self.store.write(checkpoint_key(folder), b"state")


def population_run(folder: Path) -> Path:
    """The folder of a whole search whose trials are a population."""
    finished(folder)
    return folder


def finished(folder: Path, study: Search = STUDY, *, kills: int = 0, seed: int = 0) -> History:
    folder.mkdir()
    choose = random.Random(seed)
    while True:
        with Log(folder) as log:
            driver = Driver(folder, log, study, choose)
            life = choose.randrange(3, 12) if kills else 10_000
            while life and driver.step():
                life -= 1
            assert driver.most <= 3 * study.trials
            if not kills:
                assert not [key for key in driver.store.sizes() if "-at-" in key]
                return History(read_log(folder))
        kills -= 1
        with open(folder / LOG, "ab") as torn:
            torn.write(b'{"event": "repor')


@pytest.mark.parametrize("scheduler", ["pbt", together, "pb2"])
@pytest.mark.parametrize("kills", [0, 4])
def test_trials_take_over_others_and_the_winner_s_schedule_is_confirmed(
    tmp_path: Path, scheduler: Any, kills: int
) -> None:
    if scheduler == "pb2":
        pytest.importorskip("sklearn", reason="the extra `samplers` is not installed")
    history = finished(tmp_path / "run", replace(STUDY, scheduler=scheduler), kills=kills)
    entries = history.phase("search")
    assert [entry.trial for entry in entries] == [f"{n:03d}" for n in range(1, 6)]
    assert all(entry.status in ("completed", "diverged") for entry in entries)
    exploits = [each for entry in entries for each in entry.exploits]
    assert exploits
    for entry in entries:
        if not entry.exploits:
            assert entry.spec.schedule == []
            continue
        last = entry.exploits[-1]
        assert entry.spec.folder == f"{entry.spec.folder[:12]}-{len(entry.exploits)}"
        assert last.origin.startswith(history.entries[last.source].spec.folder[:12])
        assert last.origin.endswith(f"-at-{last.iteration}")
        steps = entry.spec.schedule
        assert [step.iteration for step in steps] == sorted({step.iteration for step in steps})
        if steps:
            assert steps[0].iteration == 0
            assert steps[-1].settings == entry.spec.changes
    best = min((e for e in entries if e.status == "completed"), key=lambda entry: entry.score)
    confirmed = [entry for entry in history.phase("confirm") if entry.spec.arm == "winner"]
    assert confirmed
    assert all(entry.spec.schedule == best.spec.schedule for entry in confirmed)
    assert all(entry.spec.changes == best.spec.changes for entry in confirmed)


def test_of_a_scheduler_of_one_s_own_all_states_stay(tmp_path: Path) -> None:
    """It may have a trial go on from any earlier one."""

    class Further(PopulationBasedTraining):
        pass

    def further() -> PopulationBasedTraining:
        return Further(
            time_attr="iterations",
            perturbation_interval=80,
            hyperparam_mutations={"learning_rate": [0.01, 0.02]},
        )

    folder = tmp_path / "run"
    folder.mkdir()
    with Log(folder) as log:
        driver = Driver(folder, log, replace(STUDY, scheduler=further), random.Random(0))
        while driver.step():
            pass
    reported = {
        (event.trial, event.metrics.iterations)
        for event in read_log(folder)
        if isinstance(event, Reported) and not event.metrics.final and event.trial.isdigit()
    }
    states = [key for key in driver.store.sizes() if "-at-" in key]
    assert len(states) >= len(reported)


def test_a_resumed_population_decides_what_it_would_have_decided(tmp_path: Path) -> None:
    """Told the same reports in the same order, PBT draws the same, in whatever process."""
    finished(tmp_path / "whole")
    events = read_log(tmp_path / "whole")
    made = [event for event in events if isinstance(event, Exploited)]
    for cut in (events.index(made[0]), events.index(made[-1])):  # died before it was written
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        kept = b"".join(event.model_dump_json().encode() + b"\n" for event in events[:cut])
        (folder / LOG).write_bytes(kept)
        with Log(folder) as log:
            Driver(folder, log, STUDY, random.Random(0))
            again = [each for each in read_log(folder)[cut:] if isinstance(each, Exploited)]
        assert [each.model_copy(update={"time": 0.0}) for each in again][:1] == [
            events[cut].model_copy(update={"time": 0.0})
        ]


def wide() -> PopulationBasedTraining:
    return PopulationBasedTraining(time_attr="iterations", hyperparam_mutations={"width": [4, 8]})


def by_epochs() -> PopulationBasedTraining:
    return PopulationBasedTraining(time_attr="epoch", hyperparam_mutations={"learning_rate": [0.1]})


def unheard() -> PopulationBasedTraining:
    return PopulationBasedTraining(time_attr="iterations", hyperparam_mutations={"learning_rat": [0.1]})


def beside() -> PopulationBasedTraining:
    return PopulationBasedTraining(time_attr="iterations", hyperparam_mutations={"l2": [0.0, 0.1]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scheduler": wide}, "width cannot change in the midst of a training, as PopulationBasedTraining"),
        ({"scheduler": unheard}, "unknown setting that .* changes 'learning_rat'.*'learning_rate'"),
        ({"scheduler": beside}, "changes l2, which is not in the space of"),
        ({"scheduler": by_epochs}, "'by_epochs' counts by 'epoch', which trials do not report"),
        ({"searcher": "optuna"}, "searcher of .* is not allowed with PopulationBasedTraining"),
        ({"searcher": OptunaSearch}, "searcher of .* is not allowed with PopulationBasedTraining"),
        ({"explain": True}, "explain of .* is not allowed with PopulationBasedTraining"),
        ({"space": {"depth": IntDistribution(1, 3)}}, "'pbt' has nothing to change in"),
        (
            {"space": {**SPACE, "optimizer": Choice(["adam", "lbfgs"])}},
            "not allowed with the optimizer 'lbfgs': it descends on one loss",
        ),
        ({"scheduler": "pb2", "space": {"schedule": Choice(["constant", "cosine"])}}, "'pb2' models numbers"),
    ],
)
def test_what_a_population_cannot_do_is_one_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Arrival(replace(STUDY, **changes))


def test_pb2_asks_for_its_package() -> None:
    pytest.importorskip("ray.tune.schedulers.pb2")
    try:
        import sklearn  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigurationError, match=r"'pb2' cannot be created: .*scikit-learn"):
            Arrival(replace(STUDY, scheduler="pb2"))
    else:
        assert Arrival(replace(STUDY, scheduler="pb2")).population


def test_a_process_that_is_killed_leaves_no_folder_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    population = Population(Arrival(replace(STUDY, scheduler=together)).scheduler(), 0)
    exploits = []
    for name in ("good", "bad"):
        population.add(name, {"learning_rate": 1e-2})
    for place, name in enumerate(("good", "bad", "good", "bad")):
        population.begin(name)
        row = {"iterations": 80 * (1 + place // 2), "training_iteration": 1 + place // 2, SCORE: place % 2}
        exploits += population.report(row, Snapshot(name, name, row["iterations"]))[1]
    assert ("bad", "good") in [
        (each.trial, each.snapshot.trial) for each in exploits
    ]  # which PBT writes down
    assert list(tmp_path.iterdir()) == []


def test_this_ray_trains_populations() -> None:
    assert POPULATION.usable


def test_another_ray_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGM_RAY_PUBLIC", "population")
    with pytest.raises(ConfigurationError, match="not allowed in a study with this version of Ray"):
        Arrival(STUDY)


@pytest.mark.parametrize(
    ("distribution", "value", "inside"),
    [
        (FloatDistribution(0.1, 1.0), 1.2, 1.0),
        (FloatDistribution(0.0, 1.0, step=0.25), 0.6, 0.5),
        (IntDistribution(2, 8, step=3), 9.7, 8),
        (PowersOfTwo(4, 64), 40, 32),
        (Choice(["a", (1, 2)]), [1, 2], (1, 2)),
        (Choice(["a", None]), "b", None),
        (FloatDistribution(0.1, 1.0), float("nan"), None),
    ],
)
def test_a_changed_setting_stays_in_the_space(distribution: Any, value: Any, inside: Any) -> None:
    assert nearest(distribution, value) == inside
