"""scripts/bench's races: time to an error and error at a time, against the first runner."""

from __future__ import annotations

import math

import pytest

from dev.bench.race import RACES, RaceHeat, Runner, markdown, run
from dev.bench.races.accuracy import course
from dgm_core import Setup, TrainConfig, load_problem


class Clock:
    """Time passes in training alone, and in measuring, which must not count."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def runner(self, name: str, seconds: float, errors: list[float]) -> Runner:
        def course(seed: int):
            for error in errors:
                self.now += seconds * (1 + seed % 2)

                def measure(error=error) -> float:
                    self.now += 100.0
                    return error

                yield measure

        return Runner(name, course)


def test_time_to_the_first_one_s_error_and_error_at_its_time():
    clock = Clock()
    runners = (
        clock.runner("slow", 1.0, [0.5, 0.2, 0.1]),
        clock.runner(
            "fast", 0.25, [0.3, 0.1, 0.01, math.nan, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11]
        ),
        clock.runner("never", 1.0, [0.9, 0.8, 0.7]),
    )
    slow, fast, never = run(RaceHeat("work", runners), [0], clock)
    assert (slow.error, slow.seconds, slow.reached, slow.error_then) == (0.1, 3.0, 3.0, 0.1)
    assert (fast.reached, fast.error_then, fast.seconds) == (0.5, 1e-10, 3.0)
    assert never.reached == math.inf
    table = markdown([slow, fast, never])
    assert "1/6.0" in table
    assert "not" in table


def test_with_patience_the_others_go_on_for_longer_than_the_first():
    clock = Clock()
    runners = (clock.runner("quick", 1.0, [0.1]), clock.runner("late", 1.0, [0.9, 0.8, 0.05, 0.01]))
    _, late = run(RaceHeat("work", runners), [0], clock, patience=3.0)
    assert (late.reached, late.seconds, late.error, late.error_then) == (3.0, 3.0, 0.05, 0.9)


def test_medians_are_over_seeds():
    clock = Clock()
    (one,) = run(RaceHeat("work", (clock.runner("slow", 1.0, [0.1]),)), [0, 1, 2], clock)
    assert (one.seeds, one.seconds) == (3, 1.0)


def test_a_training_looks_at_its_error_in_its_iterations_and_in_its_polish():
    config = {"width": 4, "depth": 1, "iterations": 30, "polish_iterations": 5, "polish_points": 8}
    made = course(Setup(load_problem("exponential-decay"), TrainConfig.create(config)))
    errors = [measure() for measure in made(1)]
    assert len(errors) > 31
    assert errors[-1] < errors[0]


@pytest.mark.parametrize("name", list(RACES))
def test_every_race_has_heats_of_several_runners(name):
    heats = list(RACES.get(name).heats())
    assert len({heat.title for heat in heats}) == len(heats) > 0
    for heat in heats:
        assert len({runner.name for runner in heat.runners}) == len(heat.runners) > 1
        assert not heat.runners[0].needs
