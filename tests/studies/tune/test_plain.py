"""A problem as Ray Tune's own function trainable: what the documentation shows; a restore after a kill."""

from __future__ import annotations

import inspect
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import optuna
import pytest
import ray
import torch
from optuna.trial import TrialState
from ray import tune
from ray.tune.schedulers import (
    ASHAScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
    TrialScheduler,
)
from ray.tune.search.optuna import OptunaSearch

from dgm_core import ConfigurationError, Setup, Trainer, load_problem, train
from dgm_core.training import checkpoint, median
from dgm_core.training.adjusting import ADJUSTABLE, adjusted
from studies import trainable
from studies.trials.reporting import numbers, train_reporting
from tests.docs.pages import ROOT, snippets

TINY = Setup.named(load_problem("heat")).changed({"width": 4, "depth": 1, "batch_size": 8, "iterations": 60})
PAGE = ROOT / "docs/ray-tune.md"


def known(experiment: Path) -> bool:
    """Whether Tune has saved its state since a second checkpoint, and so after it heard of the first."""
    try:
        second = [path.stat().st_mtime for path in experiment.glob("*/checkpoint_000001/*.pt")]
        saved = [path.stat().st_mtime for path in experiment.glob("experiment_state-*.json")]
    except FileNotFoundError:  # one that Tune replaces
        return False
    return bool(second and saved) and max(saved) > min(second)


KILLED = f"""
import os
import time
from pathlib import Path

import ray
from ray import tune
from dgm_core import Setup, load_problem
from studies import trainable

{inspect.getsource(known)}

class Holds(tune.Callback):
    process = os.getpid()  # a restored run has this callback too

    def on_step_end(self, iteration, trials, **info):
        while os.getpid() == self.process and known(Path(FOLDER) / "killed"):  # until it is killed
            time.sleep(0.05)

ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
tune.Tuner(
    trainable("heat", report_every=100),
    param_space={{"learning_rate": tune.grid_search([1e-3, 1e-2]), "iterations": 2000, "width": 8}},
    tune_config=tune.TuneConfig(metric="score", mode="min"),
    run_config=tune.RunConfig(name="killed", storage_path=FOLDER, verbose=0, callbacks=[Holds()]),
).fit()
"""


def test_reports_are_plain_numbers_at_the_same_iterations() -> None:
    told: list[dict[str, float]] = []
    train_reporting(TINY, [1, 2], 25, lambda trainer, numbers: told.append(numbers))
    assert [report["iterations"] for report in told] == [25, 50, 60]
    assert all(type(value) in (int, float) for report in told for value in report.values())
    errors = train(TINY, [1, 2]).errors
    assert told[-1]["score"] == median(errors.score)
    assert told[-1]["rel_l2"] == median(errors.rel_l2)


def test_what_diverged_is_infinite_and_ends() -> None:
    told: list[dict[str, float]] = []
    setup = TINY.changed({"learning_rate": 1e30, "iterations": 2_000})
    train_reporting(setup, [1], 500, lambda trainer, numbers: told.append(numbers))
    assert len(told) == 1
    assert told[0]["score"] == told[0]["mae"] == told[0]["loss"] == math.inf
    assert told[0]["diverged"] == 1


def test_a_copied_checkpoint_goes_on_with_other_settings() -> None:
    """As the same training would, had they been its own from that iteration on."""
    donor = Trainer(TINY, [3])
    donor.advance(30)
    changes = {"learning_rate": 0.05, "batch_size": 16, "loss_weights": {"initial": 3.0}}
    heir = Trainer(TINY.changed(changes), [3])
    heir.restore(adjusted(donor.state(), heir.setup))
    assert all(
        torch.equal(mine, donor.network.weights()[name]) for name, mine in heir.network.weights().items()
    )
    told = []
    train_reporting(heir.setup, [3], 30, lambda trainer, numbers: told.append(numbers), donor.state())
    assert [report["iterations"] for report in told] == [60]
    donor.advance(60)
    assert told[0]["score"] != numbers(donor)["score"]


def test_with_nothing_changed_a_checkpoint_is_restored_bit_for_bit() -> None:
    whole, first = Trainer(TINY, [3]), Trainer(TINY, [3])
    first.advance(30)
    second = Trainer(TINY, [3])
    second.restore(adjusted(first.state(), TINY))
    for trainer in (whole, second):
        trainer.advance(60)
    assert torch.equal(whole.curves.losses, second.curves.losses)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 8}, "^width cannot change during a training"),
        ({"problem.diffusivity": 2.0}, "^parameters cannot change"),
        ({"optimizer": "adamw"}, "^optimizer cannot change"),
    ],
)
def test_what_would_not_fit_the_weights_is_refused(changes: dict[str, Any], said: str) -> None:
    state = Trainer(TINY, [3]).state()
    with pytest.raises(ConfigurationError, match=said):
        adjusted(state, TINY.changed(changes))


def test_a_descent_is_refused_a_change() -> None:
    base = TINY.changed({"optimizer": "lbfgs"})
    with pytest.raises(ConfigurationError, match="'lbfgs': it minimises one fixed loss"):
        adjusted(Trainer(base, [3]).state(), base.changed({"batch_size": 16}))


def test_the_page_names_what_can_change() -> None:
    assert ", ".join(f"`{key}`" for key in ADJUSTABLE) in " ".join(PAGE.read_text().split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"problem": "haet"}, "Did you mean 'heat'"),
        ({"problem": "heat", "settings": "papper"}, "Did you mean 'paper'"),
        ({"problem": TINY, "settings": "paper"}, "leave `settings` out"),
        ({"problem": "heat", "report_every": 0}, "report_every = 0"),
        ({"problem": "heat", "device": "tpu"}, "unknown device 'tpu'"),
        ({"problem": "heat", "replicates": 0}, "replicates = 0"),
        ({"problem": "heat", "param_space": {"lerning_rate": 0.1}}, "Did you mean 'learning_rate'"),
        ({"problem": "heat", "param_space": {"depth": tune.randint(0, 3)}}, "depth = 0"),
        ({"problem": "heat", "param_space": {"optimizer": tune.choice(["adam", "adm"])}}, "'adm'"),
        ({"problem": "heat", "param_space": {"width": tune.grid_search([8, "8"])}}, "width = '8'"),
        ({"problem": "heat", "param_space": {"learning_rate": tune.uniform(-1, 1)}}, "learning_rate = -1"),
        ({"problem": "heat", "param_space": {"batch_size": tune.uniform(10, 20)}}, "a whole number"),
        ({"problem": type(TINY.problem)}, r"is a class: write \w+\(\) for a problem"),
        ({"problem": 3}, "3 is no problem"),
    ],
)
def test_bad_input_is_one_sentence_before_ray_starts(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        trainable(**given)
    assert not ray.is_initialized()


def test_whole_numbers_of_a_range_with_steps_are_allowed() -> None:
    assert trainable("heat", param_space={"batch_size": tune.quniform(10, 20, 2)})


class Bare:
    """As much of a trial as a scheduler looks at."""

    def __init__(self, number: int, status: str = "PENDING") -> None:
        self.trial_id, self.status, self.is_saving, self.config = f"{number}", status, False, {}


def heard(scheduler: Any, scores: list[float], time: int = 10) -> list[str]:
    """What a scheduler says to trials that report these scores one after another."""
    scheduler.set_search_properties("score", "min")
    controller: Any = SimpleNamespace(get_live_trials=list, search_alg=None)
    said = []
    for number, score in enumerate(scores):
        trial: Any = Bare(number, "RUNNING")
        scheduler.on_trial_add(controller, trial)
        said.append(scheduler.on_trial_result(controller, trial, {"score": score, "iterations": time}))
    return said


@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_asha_does_with_infinite_scores() -> None:
    options = {"time_attr": "iterations", "max_t": 100, "grace_period": 10, "reduction_factor": 4}
    stop, go_on = TrialScheduler.STOP, TrialScheduler.CONTINUE
    assert heard(ASHAScheduler(**options), [1.0, math.inf]) == [go_on, stop]
    assert heard(ASHAScheduler(**options), [math.inf, math.inf, math.inf, 1.0, 2.0])[-1] == go_on
    assert heard(ASHAScheduler(**options), [math.inf, 1.0, 2.0, 1.5, 9.0])[-1] == stop
    assert heard(ASHAScheduler(**options), [1.0, math.nan])[-1] == go_on  # why it is not NaN


def test_what_the_median_rule_does_with_infinite_scores() -> None:
    rule = MedianStoppingRule(time_attr="iterations", grace_period=1, min_samples_required=2)
    said = heard(rule, [1.0, math.inf, 2.0, math.inf, 9.0])
    assert said[-2:] == [TrialScheduler.STOP, TrialScheduler.STOP]


def test_what_hyperband_does_with_infinite_scores() -> None:
    stopped: list[Any] = []
    band = HyperBandScheduler(time_attr="iterations", max_t=4, reduction_factor=2)
    band.set_search_properties("score", "min")
    controller: Any = SimpleNamespace(stop_trial=stopped.append, search_alg=None)
    trials: list[Any] = [Bare(number) for number in range(10)]
    for trial in trials:
        band.on_trial_add(controller, trial)
    for trial, score in zip(trials[6:], [math.inf, 1.0, math.inf, 2.0], strict=True):
        trial.status = "RUNNING"
        if band.on_trial_result(controller, trial, {"score": score, "iterations": 1}) == TrialScheduler.PAUSE:
            trial.status = "PAUSED"
    assert [trial.trial_id for trial in stopped] == ["6", "8"]


def test_optuna_hears_an_infinite_score_as_a_value() -> None:
    storage = optuna.storages.InMemoryStorage()
    search = OptunaSearch(space={"x": tune.uniform(0, 1)}, metric="score", mode="min", storage=storage)
    search.suggest("one")
    search.on_trial_complete("one", {"score": math.inf, "training_iteration": 1})
    (trial,) = optuna.load_study(study_name="optuna", storage=storage).trials
    assert (trial.state, trial.value) == (TrialState.COMPLETE, math.inf)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder, and one Ray for all that follows, with two cores and a licence."""
    folder = tmp_path_factory.mktemp("plain")
    resources = {"licence": 1.0}
    ray.init(address="local", num_cpus=2, resources=resources, include_dashboard=False, log_to_driver=False)
    try:
        yield folder
    finally:
        ray.shutdown()


@pytest.fixture(scope="module")
def page(session: Path) -> ModuleType:
    """The page's Python, run from top to bottom in that folder."""
    module = ModuleType("__main__")
    with chdir(session):
        for snippet in snippets(PAGE):
            if snippet.language == "python":
                exec(compile("\n" * snippet.line + snippet.text, snippet.page, "exec"), module.__dict__)
    return module


@pytest.mark.ray
def test_the_page_runs_with_stock_asha_and_optuna(page: ModuleType) -> None:
    results = page.results  # after a restore
    assert len(results) == 4
    assert not results.errors
    last = results.get_dataframe()
    assert set(last["iterations"]) <= {200, 400}
    assert 400 in set(last["iterations"])
    assert list(last["score"]) == list(last["mae"])
    assert page.best.checkpoint is not None


@pytest.mark.ray
def test_the_best_checkpoint_is_the_trained_field(page: ModuleType) -> None:
    with page.best.checkpoint.as_directory() as folder:
        state = checkpoint.load(folder)
    trainer = Trainer(page.winner, state["seeds"])
    trainer.restore(state)
    assert numbers(trainer)["score"] == page.best.metrics["score"]


@pytest.mark.ray
def test_stock_hyperband_halves(page: ModuleType) -> None:
    assert not page.halved.errors
    assert sorted(page.halved.get_dataframe()["iterations"]) == [200, 400, 400, 400]


@pytest.mark.ray
def test_population_based_training_mutates_rates_through_checkpoints(page: ModuleType) -> None:
    assert not page.evolved.errors
    assert set(page.evolved.get_dataframe()["iterations"]) == {400}
    rates = [set(result.metrics_dataframe["config/learning_rate"]) for result in page.evolved]
    assert any(len(each) > 1 for each in rates)


@pytest.mark.ray
def test_a_population_leaves_what_diverged(session: Path) -> None:
    space = {"learning_rate": tune.grid_search([1e-3, 1e30]), "iterations": 100}
    population = PopulationBasedTraining(
        time_attr="iterations",
        perturbation_interval=25,
        hyperparam_mutations={"learning_rate": [1e-3, 2e-3]},
        synch=True,
    )
    results = tune.Tuner(
        trainable(TINY, report_every=25, param_space=space),
        param_space=space,
        tune_config=tune.TuneConfig(metric="score", mode="min", scheduler=population, reuse_actors=True),
        run_config=tune.RunConfig(name="leaves", storage_path=str(session), verbose=0),
    ).fit()
    assert all(math.isfinite(result.metrics["score"]) for result in results)
    assert any(math.isinf(score) for result in results for score in result.metrics_dataframe["score"])


@pytest.mark.ray
def test_resources_are_those_asked_for_and_a_wrong_key_fails_its_trial_alone(session: Path) -> None:
    """One core: Ray has been seen not to give back one of a population's two."""
    tuner = tune.Tuner(
        tune.with_resources(trainable(TINY), {"cpu": 1, "licence": 1}),
        param_space=tune.grid_search([{"iterations": 3}, {"itertions": 3}]),
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(name="two", storage_path=str(session), verbose=0),
    )
    good, wrong = tuner.fit()
    assert good.metrics["iterations"] == 3
    assert "Did you mean 'iterations'?" in str(wrong.error)


@pytest.mark.ray
def test_a_killed_driver_is_restored_bit_for_bit(session: Path) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", KILLED.replace("FOLDER", repr(str(session)))],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TUNE_GLOBAL_CHECKPOINT_S": "0.2"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not known(session / "killed"):
        assert driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    results = tune.Tuner.restore(str(session / "killed"), trainable=trainable("heat", report_every=100)).fit()
    assert len(results) == 2
    assert not results.errors
    base = Setup.named(load_problem("heat"))
    for result in results:
        whole = train(base.changed(result.config), [10_000])
        assert result.metrics["score"] == median(whole.errors.score)
    assert any(result.metrics["iterations_since_restore"] < 20 for result in results)
