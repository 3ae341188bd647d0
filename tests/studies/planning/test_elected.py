"""Which activation a search elects where one of them lowers its loss and solves nothing."""

from __future__ import annotations

from pathlib import Path

from optuna.distributions import CategoricalDistribution

from dgm_core import Setup, load_problem
from studies.planning.course import Course
from studies.planning.plans import SearchPlan
from studies.records.log import Log
from studies.study import Search
from studies.trials.trainable import run_trial

STUDY = Search(
    name="activations",
    base=Setup.named(load_problem("heat"), "paper").changed(
        {"width": 16, "depth": 2, "batch_size": 32, "iterations": 400, "learning_rate": 0.01}
    ),
    space={"activation": CategoricalDistribution(["relu", "tanh"])},
    trials=2,
    replicates=2,
    confirmations=2,
    sampler="grid",
    early_stopping="none",
)


def test_a_search_over_activations_does_not_elect_relu(tmp_path: Path) -> None:
    """Really trained: ReLU's loss falls, and its error is that of a field that ignores the equation."""
    with Log(tmp_path) as log:
        course = Course(SearchPlan(STUDY, 1, {}), log)
        while (trial := course.next(1)) is not None:
            name = trial.name

            def report(trainer: object, telemetry: object, metrics: object, name: str = name) -> None:
                if metrics is not None:
                    course.report(name, metrics)  # type: ignore[arg-type]

            run_trial(trial.setup, trial.seeds, trial.rungs, report, lambda trainer: None)
    assert course.done
    best = course.history.best
    assert best is not None
    assert best.spec.config["activation"] == "tanh"
    ended = {entry.spec.config["activation"]: entry for entry in course.history.phase("search")}
    assert ended["relu"].score > 10 * ended["tanh"].score
    losses = {key: entry.measured and entry.measured.loss for key, entry in ended.items()}
    assert losses["relu"] < losses["tanh"], "by the loss ReLU would have been elected"
    winner = [entry for entry in course.history.phase("confirm") if entry.spec.arm == "winner"]
    assert [entry.spec.config["activation"] for entry in winner] == ["tanh"]
