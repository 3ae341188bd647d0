"""Every sampler with every rule: one search, whatever the workers, the order of arrival and the kills."""

from __future__ import annotations

import importlib.util
import itertools
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median as median_of
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler, TPESampler

from dgm_core import ConfigurationError
from studies.records.history import History
from studies.samplers import DEFAULT_SAMPLER, SAMPLERS, base
from studies.stopping import RULES
from studies.study import Choice, Search, from_dict, to_dict
from tests.studies.planning.test_course import finished, outcome
from tests.studies.running.synthetic import SEARCH

FINITE = {
    "learning_rate": Choice([0.0003, 0.001, 0.003, 0.01, 0.03, 0.08]),
    "iterations": IntDistribution(50, 400, step=50),
    "depth": IntDistribution(1, 3),
}
SHORT = replace(SEARCH, trials=10, startup_trials=4, confirmations=2)


PAIRS = list(itertools.product(SAMPLERS.names(), RULES.names()))


def study(sampler: Any, rule: Any = "none") -> Search:
    space = FINITE if sampler == "grid" else SHORT.space
    # A Gaussian process takes a tenth of a second for each suggestion.
    size = {"trials": 6, "startup_trials": 3} if sampler == "gp" else {}
    return replace(SHORT, sampler=sampler, early_stopping=rule, space=space, **size)


def suggested(history: History) -> list[Mapping[str, Any]]:
    """In the order of the clock; the log has one that is not trained when it ends."""
    return [entry.spec.changes for entry in sorted(history.phase("search"), key=lambda each: each.trial)]


@pytest.mark.parametrize(("sampler", "rule"), PAIRS)
def test_the_same_search_with_other_workers_and_after_kills(tmp_path: Path, sampler: str, rule: str) -> None:
    chosen = study(sampler, rule)
    undisturbed = finished(tmp_path / "one", 1, random.Random(0), study=chosen)
    killed = finished(tmp_path / "five", 5, random.Random(1), kills=2, study=chosen)
    assert outcome(killed) == outcome(undisturbed)
    assert suggested(killed) == suggested(undisturbed)
    stops = {entry.status for entry in undisturbed.phase("search")}
    assert "completed" in stops
    assert rule != "none" or "stopped" not in stops


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_a_sampler_follows_the_studys_seed_and_its_settings_differ(tmp_path: Path, sampler: str) -> None:
    tried = [
        json.dumps(changes)
        for changes in suggested(finished(tmp_path / "a", 1, random.Random(0), study=study(sampler)))
    ]
    assert len(set(tried)) >= len(tried) - 2
    assert all(json.loads(each).keys() == SHORT.space.keys() for each in tried)


@pytest.mark.parametrize("rule", [name for name in RULES.names() if name != "none"])
def test_a_rule_stops_what_is_bad_and_not_all(tmp_path: Path, rule: str) -> None:
    chosen = replace(study("random", rule), trials=16)
    history = finished(tmp_path / "run", 2, random.Random(0), study=chosen)
    statuses = [entry.status for entry in history.phase("search")]
    assert "completed" in statuses
    if rule == "patience":  # scores of the synthetic trials fall until they end
        assert "stopped" not in statuses
        assert len(history.decisions) > 16
    else:
        assert "stopped" in statuses


def seeded(seed: int) -> optuna.samplers.BaseSampler:
    return RandomSampler(seed=seed)


def unseeded(_: int) -> optuna.samplers.BaseSampler:
    return TPESampler()


def failing(seed: int) -> optuna.samplers.BaseSampler:
    return TPESampler(n_startup_trials=seed // 0)


def median() -> optuna.pruners.BasePruner:
    return optuna.pruners.MedianPruner(n_startup_trials=2)


def test_functions_give_any_sampler_and_pruner_of_optunas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = study(seeded, median)
    undisturbed = finished(tmp_path / "one", 1, random.Random(0), study=chosen)
    killed = finished(tmp_path / "four", 4, random.Random(2), kills=3, study=chosen)
    assert outcome(killed) == outcome(undisturbed)
    assert any(entry.status == "stopped" for entry in undisturbed.phase("search"))
    values = json.loads(json.dumps(to_dict(chosen)))
    with pytest.raises(ConfigurationError, match="'seeded' is not in the files that the run folder has"):
        from_dict(values)
    for function in (seeded, median):
        monkeypatch.setattr("__main__." + function.__name__, function, raising=False)
    again = from_dict(values)
    assert isinstance(again, Search)
    assert (again.sampler, again.early_stopping) == (seeded, median)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sampler": "tpee"}, r"unknown sampler 'tpee'.*Did you mean 'tpe'\?"),
        ({"early_stopping": "ahsa"}, r"unknown early stopping rule 'ahsa'.*Did you mean 'asha'\?"),
        ({"sampler": unseeded}, "'unseeded' suggests different settings each time"),
        ({"sampler": lambda seed: 3}, "returned a int"),
        (
            {"sampler": lambda: TPESampler()},
            "'<lambda>' fails in this space: TypeError: .*takes 0",
        ),
        ({"sampler": failing}, "'failing' fails in this space: ZeroDivisionError"),
        ({"sampler": "grid"}, "'grid' needs a step, or choices, for learning_rate"),
        ({"sampler": "grid", "space": {"depth": IntDistribution(1, 3)}}, "the grid has 3 settings"),
        (
            {"sampler": "cma-es", "space": {"gain": Choice([None, 1.0])}},
            "cannot suggest gain, which has 2 unordered choices",
        ),
        (
            {"sampler": "gp", "space": {"learning_rate": Choice([0.001 * i for i in range(1, 200)])}},
            "cannot suggest learning_rate, which has 199 unordered choices",
        ),
    ],
)
def test_what_cannot_serve_a_search_is_refused_when_it_is_defined(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(SHORT, **changes)


@pytest.mark.parametrize(("sampler", "package"), [("cma-es", "cmaes"), ("gp", "greenlet")])
def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, sampler: str, package: str
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(base, "find_spec", lambda name: None if name == package else there(name))
    with pytest.raises(ConfigurationError, match=f"needs the package {package}: pip install {package}"):
        replace(SHORT, sampler=sampler)


def test_a_grid_is_gone_through_once(tmp_path: Path) -> None:
    space = {"learning_rate": FloatDistribution(0.01, 0.03, step=0.01), "depth": IntDistribution(1, 3)}
    chosen = replace(SHORT, sampler="grid", early_stopping="none", space=space, trials=9)
    tried = suggested(finished(tmp_path / "run", 2, random.Random(0), study=chosen))
    assert len({json.dumps(changes) for changes in tried}) == 9


@pytest.mark.parametrize("sampler", ["gp", "cma-es", "tpe", DEFAULT_SAMPLER])
def test_a_sampler_with_a_model_finds_more_than_chance(tmp_path: Path, sampler: str) -> None:
    """The median after the start-up, of suggestions of which one in six diverges at random."""
    rate = {"learning_rate": SHORT.space["learning_rate"]}

    def late(name: str) -> float:
        chosen = replace(study(name), trials=20, startup_trials=6, space=rate)
        history = finished(tmp_path / name, 1, random.Random(0), study=chosen)
        return median_of(entry.score for entry in history.phase("search")[10:])

    assert late(sampler) < 0.8 * late("random")
