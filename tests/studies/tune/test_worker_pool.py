"""Who has something to train, and when more are asked for."""

from __future__ import annotations

import pytest

from studies.catalog import load_study
from studies.planning.plans import AblationPlan, SearchPlan, StudyPlan
from studies.tune.worker_pool import WorkerPool


def plan(name: str) -> StudyPlan:
    study = load_study(name)
    return SearchPlan(study, 0, {}) if name.endswith("search") else AblationPlan(study, 0)  # type: ignore


@pytest.mark.parametrize("name", ["decay-search", "heat-batch-size"])
def test_a_cluster_without_a_node_is_asked_for_some(name: str) -> None:
    pool = WorkerPool(0)
    assert not pool.starting
    assert pool.idle > 0
    assert next(plan(name).ready(), None) is not None


def test_no_more_workers_than_cores_start_before_one_has_said_something() -> None:
    pool = WorkerPool(2, alone=True)
    pool.give("001")
    assert not pool.starting
    pool.give("002")
    assert pool.starting
    pool.hear("002", {})
    assert not pool.starting


def test_on_a_cluster_all_are_asked_for_at_once() -> None:
    pool = WorkerPool(1)
    pool.give("001")
    assert not pool.starting


def test_a_trial_that_is_lost_before_a_word_makes_room() -> None:
    pool = WorkerPool(1, alone=True)
    pool.give("001")
    pool.take("001")
    assert not pool.starting
