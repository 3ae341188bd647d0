"""How long a study will go on, from what its log says of its own trials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from studies.records.events import (
    Began,
    Cut,
    Ended,
    Event,
    Metrics,
    Polishing,
    Replicates,
    Reported,
    Suggested,
)
from studies.records.forecast import planned, seconds_left
from studies.records.history import History
from tests.analysis.synthetic import record

SEARCH: dict[str, Any] = {"trials_asked": 4, "replicates": 3, "seeds": {"search": [1], "confirm": [2] * 6}}


def suggested(trial: str, iterations: int, phase: str = "search", key: str = "base") -> Suggested:
    return Suggested(
        trial=trial,
        phase=phase,
        arm=None,
        first=0,
        seeds=[1],
        changes={},
        key=key,
        setup={},
        config={"iterations": iterations, "batch_size": 8},
        folder=trial,
    )


def measured(trial: str, iterations: int, seconds: float) -> Reported:
    replicates = Replicates(status=["completed"], scores=[1.0], errors={}, losses=[[1.0]], diverged_at=[None])
    metrics = Metrics(
        iterations=iterations,
        score=1.0,
        final=False,
        loss=1.0,
        seconds=seconds,
        parameters=1,
        replicates=replicates,
    )
    return Reported(trial=trial, metrics=metrics)


def begun() -> Iterator[Event]:
    """One trial that ended where it asked to, and one a quarter of the way, ten times as slow."""
    yield Began(version=2, process=1, host="here")
    yield suggested("001", 1_000)
    yield measured("001", 1_000, 10.0)
    yield Ended(trial="001", status="completed", iterations=1_000)
    yield suggested("002", 1_000)
    yield measured("002", 250, 25.0)


def test_all_phases_of_a_study_are_counted() -> None:
    assert planned(record(**SEARCH)) == {"search": 4, "confirm": 4}
    tuned = {"tuned_rate": True, "rates": [1e-3, 1e-2]}
    assert planned(record(kind="ablation", trials_asked=3, definition=tuned)) == {"tune": 6, "ablation": 3}


def test_a_running_trial_goes_on_at_its_own_speed() -> None:
    two = record(**{**SEARCH, "trials_asked": 2, "seeds": {"search": [1], "confirm": []}}, cores=1)
    assert seconds_left(two, History(begun()), elapsed=35.0) == pytest.approx(75.0)
    further = seconds_left(two, History(begun()), elapsed=35.0, reached={"002": 500})
    assert further == pytest.approx(50.0)


def test_trials_to_come_take_what_those_before_took() -> None:
    two, three = (
        record(**{**SEARCH, "trials_asked": n, "seeds": {"search": [1], "confirm": []}}, cores=1)
        for n in (2, 3)
    )
    more = [seconds_left(each, History(begun()), elapsed=35.0) for each in (two, three)]
    assert more[1] - more[0] == pytest.approx((10.0 + 100.0) / 2)  # type: ignore[operator]


def test_arms_to_come_take_as_long_as_their_size_says() -> None:
    """The largest arm is trained first: the others do not take as long."""
    events = [
        Began(version=2, process=1, host="here"),
        suggested("large", 100, "ablation", key="large"),
        measured("large", 100, 30.0),
        Ended(trial="large", status="completed", iterations=100),
    ]
    arms = {"large": 10.0, "middle": 4.0, "small": 1.0}
    asked = record(kind="ablation", trials_asked=3, arm_seconds=arms, cores=1)
    assert seconds_left(asked, History(events), elapsed=30.0) == pytest.approx(3.0 * (4.0 + 1.0))
    tuned = asked.model_copy(update={"definition": {"tuned_rate": True, "rates": [1e-3, 1e-2]}})
    tuning = [
        event.model_copy(update={"phase": "tune"}) if event.event == "suggested" else event
        for event in events
    ]
    left = seconds_left(tuned, History(tuning), elapsed=30.0)
    assert left == pytest.approx(3.0 * (10.0 + 2 * 4.0 + 2 * 1.0) + 3.0 * 15.0)


def test_more_cores_share_the_work_but_not_a_single_trial() -> None:
    one, many = (
        seconds_left(record(**{**SEARCH, "trials_asked": 20}, cores=n), History(begun()), elapsed=35.0)
        for n in (1, 4)
    )
    assert one is not None
    assert many is not None
    assert 75.0 <= many <= one / 2


def test_nothing_is_known_before_a_report_and_nothing_left_at_the_end() -> None:
    assert seconds_left(record(**SEARCH), History([]), elapsed=5.0) is None
    alone = record(**{**SEARCH, "trials_asked": 1, "seeds": {"search": [1], "confirm": []}})
    assert seconds_left(alone, History(list(begun())[:4]), elapsed=10.0) == 0.0


@pytest.mark.parametrize(
    ("limit", "left"), [({"time_limit": 100}, 65.0), ({"budget": 40, "workers": 4}, 45.0), ({}, None)]
)
def test_a_search_takes_no_longer_than_its_limit_leaves_it(limit: dict[str, Any], left: float | None) -> None:
    """Of a budget, in seconds of the clock, two cores take twice as long as its four workers would."""
    asked = {**SEARCH, "trials_asked": 200, "definition": limit}
    history = History(begun())
    without = {**asked, "seeds": {"search": [1], "confirm": []}}
    found = seconds_left(record(**without, cores=2), history, elapsed=35.0)
    assert found is not None
    if left is None:
        assert found > 1_000.0
        return
    assert found == pytest.approx(left)
    confirmed = seconds_left(record(**asked, cores=2), history, elapsed=35.0)
    assert confirmed is not None
    assert confirmed > left, "what it found is confirmed after the limit"


def test_a_search_that_was_cut_suggests_no_more() -> None:
    asked = {**SEARCH, "trials_asked": 50, "seeds": {"search": [1], "confirm": []}}
    history = History([*begun(), Ended(trial="002", status="interrupted", iterations=250), Cut()])
    assert seconds_left(record(**asked), history, elapsed=35.0) == 0.0


def test_a_polish_is_counted_as_the_steps_that_it_costs_in_every_window() -> None:
    """Two windows of 500 iterations, each of which a polish of another 500 steps ends."""

    def polished(trial: str) -> Suggested:
        plain = suggested(trial, 1_000)
        return plain.model_copy(update={"config": {**plain.config, "windows": 2}, "polish": 500.0})

    one = record(**{**SEARCH, "trials_asked": 2, "seeds": {"search": [1], "confirm": []}}, cores=1)
    events = [
        Began(version=2, process=1, host="here"),
        polished("001"),
        measured("001", 1_000, 20.0),
        Ended(trial="001", status="completed", iterations=1_000),
        polished("002"),
        measured("002", 250, 2.5),
    ]

    def left(*more: Event, **known: Any) -> float | None:
        return seconds_left(one, History([*events, *more]), elapsed=22.5, **known)

    assert left() == pytest.approx(17.5)
    assert left(reached={"002": 500}) == pytest.approx(10.0), "out of the polish"
    assert left(reached={"002": 500}, polished={"002": 0.2}) == pytest.approx(14.0)
    assert left(Polishing(trial="002", iterations=500, done=1, of=5)) == pytest.approx(14.0)
    assert left(reached={"002": 1_000}, polished={"002": 0.5}) == pytest.approx(2.5)
