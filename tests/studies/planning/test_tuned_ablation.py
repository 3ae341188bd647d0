"""An ablation whose arms' learning rates are tuned first: the plan, replayed from its log."""

from __future__ import annotations

import random
from pathlib import Path

from dgm_core import Setup, load_problem
from studies.planning.course import Course
from studies.planning.plans import AblationPlan
from studies.records.events import Reported, Suggested
from studies.records.log import Log, read_log
from studies.study import Ablation
from tests.studies.planning.test_course import Workers

STUDY = Ablation(
    name="tuned",
    base=Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 50}),
    arms={"shallow": {"depth": 1}, "deep": {"depth": 3}},
    baseline="shallow",
    replicates=2,
    tuned_rate=True,
    rates=(1e-3, 1e-2, 5e-2),
)


def ran(folder: Path, cores: int, seed: int, kills: int = 0) -> AblationPlan:
    """The ablation to its end, its process killed some times; the last process's plan."""
    folder.mkdir()
    choose = random.Random(seed)
    while True:
        events = read_log(folder)
        with Log(folder) as log:
            plan = AblationPlan(STUDY, 3)
            workers = Workers(Course(plan, log, events), cores, choose)
            life = choose.randrange(1, 4) if kills else 10_000
            while life and workers.step():
                life -= 1
            if not kills:
                assert workers.course.done
                return plan
        kills -= 1


def told(folder: Path) -> dict[str, tuple[object, ...]]:
    """Of each trial its settings and what it reported at its end."""
    events = read_log(folder)
    scores = {event.trial: event.metrics.score for event in events if isinstance(event, Reported)}
    return {
        event.trial: (event.phase, event.changes, tuple(event.seeds), scores[event.trial])
        for event in events
        if isinstance(event, Suggested)
    }


def test_each_arm_is_trained_at_its_best_rate_on_seeds_that_the_tuning_did_not_use(tmp_path: Path) -> None:
    plan = ran(tmp_path / "run", 2, 0)
    assert plan.rates == {"shallow": 1e-2, "deep": 1e-2}, "where the synthetic error is smallest"
    trials = told(tmp_path / "run").values()
    tuning = {seed for phase, _, seeds, _ in trials if phase == "tune" for seed in seeds}
    final = [(changes, seeds) for phase, changes, seeds, _ in trials if phase == "ablation"]
    assert [changes["learning_rate"] for changes, _ in final] == [1e-2, 1e-2]
    assert not tuning & {seed for _, seeds in final for seed in seeds}


def test_a_replay_ends_as_the_study_that_was_never_killed(tmp_path: Path) -> None:
    plan = ran(tmp_path / "whole", 1, 0)
    for seed in range(6):
        again = ran(tmp_path / f"killed-{seed}", 1 + seed % 3, seed, kills=4)
        assert again.rates == plan.rates
        assert told(tmp_path / f"killed-{seed}") == told(tmp_path / "whole")
