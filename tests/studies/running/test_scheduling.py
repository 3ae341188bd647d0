"""ASHA's decisions and their evidence, by hand."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace
from typing import Any

from studies.running.scheduling import RecordedASHA, SchedulerMemory
from studies.running.trainable import PENALTY


def scheduler() -> RecordedASHA:
    return RecordedASHA(max_t=1_000, grace_period=10, reduction_factor=2, began=time.time())


def show(asha: RecordedASHA, trial: str, iterations: int, score: float, *, final: bool = False) -> str:
    which = SimpleNamespace(trial_id=trial)
    if trial not in asha._trial_info:
        asha.on_trial_add(None, which)  # type: ignore[arg-type]
    result = {"iterations": iterations, "score": score, "final": final}
    return asha.on_trial_result(None, which, result)


def test_a_trial_worse_than_half_of_those_before_it_is_stopped_with_its_evidence() -> None:
    asha = scheduler()
    assert show(asha, "a", 10, 1.0) == "CONTINUE"
    assert show(asha, "b", 10, 3.0) == "STOP"
    assert show(asha, "c", 10, 1.5) == "CONTINUE"  # the median of 1 and 3 is 2
    assert [d["cutoff"] for d in asha.decisions] == [None, 1.0, 2.0]
    assert [d["recorded"] for d in asha.decisions] == [0, 1, 2]
    assert [d["stopped"] for d in asha.decisions] == [False, True, False]
    assert asha.stopped("b") == 10
    assert asha.stopped("a") is None


def test_a_rung_decides_once() -> None:
    asha = scheduler()
    show(asha, "a", 10, 1.0)
    assert show(asha, "a", 15, 9.0) == "CONTINUE"
    assert len(asha.decisions) == 1


def test_a_trial_at_its_own_end_is_never_stopped() -> None:
    asha = scheduler()
    show(asha, "a", 10, 1.0)
    assert show(asha, "b", 10, 9.0, final=True) == "CONTINUE"
    assert asha.stopped("b") is None


def test_a_finite_penalty_is_stopped() -> None:
    asha = scheduler()
    show(asha, "a", 10, 1.0)
    assert show(asha, "b", 10, 1e6) == "STOP"


def test_a_penalty_is_recorded_as_infinity_and_a_large_error_as_itself() -> None:
    asha = scheduler()
    for trial, score in (("a", 5_000.0), ("b", PENALTY), ("c", 1.0), ("d", 2.0)):
        show(asha, trial, 10, score)
    assert [d["score"] for d in asha.decisions] == [5_000.0, math.inf, 1.0, 2.0]
    # Half way between 5 000 and the penalty, then the median of three.
    assert [d["cutoff"] for d in asha.decisions] == [None, 5_000.0, math.inf, 5_000.0]


def test_a_restored_scheduler_decides_as_the_first_would_have() -> None:
    first = scheduler()
    for trial, score in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        show(first, trial, 10, score)
    state: dict[str, Any] = SchedulerMemory(first).get_state()
    second = scheduler()
    SchedulerMemory(second).set_state(state)
    assert second.decisions == first.decisions
    assert show(second, "d", 10, 1.9) == show(first, "d", 10, 1.9) == "CONTINUE"
    assert second.decisions[-1]["cutoff"] == first.decisions[-1]["cutoff"] == 2.0
    assert show(scheduler(), "d", 10, 1e9) == "CONTINUE", "empty rungs would stop nothing"
