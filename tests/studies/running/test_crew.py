"""Who has something to train, and when more are asked for."""

from __future__ import annotations

import pytest

from studies.catalog import load_study
from studies.running.crew import Crew
from studies.running.plans import AblationPlan, Plan, SearchPlan


def plan(name: str) -> Plan:
    study = load_study(name)
    return SearchPlan(study, 0, {}) if name.endswith("search") else AblationPlan(study, 0)  # type: ignore


@pytest.mark.parametrize("name", ["decay-search", "heat-batch-size"])
def test_a_cluster_without_a_node_is_asked_for_some(name: str) -> None:
    crew = Crew(0)
    assert not crew.starting
    assert next(plan(name).ready(crew.idle), None) is not None


def test_no_more_workers_than_cores_start_before_one_has_said_something() -> None:
    crew = Crew(2, alone=True)
    crew.give("001")
    assert not crew.starting
    crew.give("002")
    assert crew.starting
    crew.hear("002", {})
    assert not crew.starting


def test_on_a_cluster_all_are_asked_for_at_once() -> None:
    crew = Crew(1)
    crew.give("001")
    assert not crew.starting


def test_a_trial_that_is_lost_before_a_word_makes_room() -> None:
    crew = Crew(1, alone=True)
    crew.give("001")
    crew.take("001")
    assert not crew.starting
