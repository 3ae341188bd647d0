"""Suggestions of a long search: what they look back on is bounded, and they go on as well."""

from __future__ import annotations

import statistics

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from studies.planning import suggesting
from studies.planning.suggesting import Suggestions
from studies.records.events import Metrics, Replicates
from studies.samplers import DEFAULT_SAMPLER, SAMPLERS

SPACE = {"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(1e-4, 1.0, log=True)}
RUNG, END = 100, 1_000


def metrics(iterations: int, score: float) -> Metrics:
    replicates = Replicates(
        status=["completed"], scores=[score], errors={}, losses=[[score]], diverged_at=[None]
    )
    return Metrics(
        iterations=iterations,
        score=score,
        final=iterations == END,
        loss=score,
        seconds=0.0,
        parameters=1,
        replicates=replicates,
    )


def searched(
    count: int, sampler: str = DEFAULT_SAMPLER, unit: float = 1.0
) -> tuple[Suggestions, list[tuple[float, float]]]:
    """A search with one trial under way from the start, and every third trial stopped."""
    suggestions = Suggestions(SPACE, SAMPLERS.get(sampler)(SPACE, 10), seed=5)
    first = suggestions.suggest()
    suggestions.report(0, metrics(RUNG, 0.5 * unit))
    tried = [(first["x"], 0.5)]
    for number in range(1, count):
        x, y = suggestions.suggest().values()
        score = ((x - 0.3) ** 2 + 0.01 * y) * unit
        tried.append((x, score))
        suggestions.report(number, metrics(RUNG, score))
        if number % 3:
            suggestions.complete(number, metrics(END, score))
        elif number % 2:
            suggestions.stop(number)
        else:
            suggestions.fail(number)
    return suggestions, tried


@pytest.fixture(autouse=True)
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggesting, "REMEMBERED", 60)


@pytest.mark.parametrize("sampler", ["tpe", DEFAULT_SAMPLER])
def test_the_best_are_remembered_and_the_rest_is_bounded(sampler: str) -> None:
    suggestions, tried = searched(300, sampler)
    known = suggestions._study.get_trials(deepcopy=False)
    assert len(known) <= 2 * 60 + 1
    values = sorted(trial.value for trial in known if trial.state == TrialState.COMPLETE)
    completed = sorted(score for number, (_, score) in enumerate(tried) if number % 3)
    assert values[:25] == completed[:25]
    scores = [score for _, score in tried]
    assert statistics.median(scores[-60:]) < statistics.median(scores[:30]) / 2  # it still finds its way


def test_a_trial_that_runs_meanwhile_is_not_forgotten() -> None:
    suggestions, _ = searched(300)
    (running,) = (t for t in suggestions._study.get_trials() if t.state == TrialState.RUNNING)
    assert running.intermediate_values == {RUNG: 0.5}
    suggestions.complete(0, metrics(END, 1e-9))
    assert suggestions._study.best_value == 1e-9


def test_the_same_results_give_the_same_suggestions() -> None:
    assert searched(200)[1] == searched(200)[1]


def test_errors_in_other_units_give_the_same_suggestions() -> None:
    (_, ones), (_, millions) = searched(40), searched(40, unit=2.0**30)
    assert [x for x, _ in ones] == [x for x, _ in millions]
