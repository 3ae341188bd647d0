"""Several objectives, constraints and priors: the same search anywhere, and what each is for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import ConfigurationError
from studies.planning.suggesting import Suggestions
from studies.samplers import DEFAULT_SAMPLER, SAMPLERS
from studies.study import Choice, Edits, PowersOfTwo, Prior, Search, from_dict, to_dict
from tests.studies.planning.test_conformance import SHORT, study, suggested
from tests.studies.planning.test_course import finished, outcome
from tests.studies.running.synthetic import SEARCH

TWO = {"objectives": ("error", "seconds"), "early_stopping": "none"}
SEVERAL = [name for name in SAMPLERS.names() if name != "cma-es"]


@pytest.mark.parametrize("sampler", SEVERAL)
def test_two_objectives_are_one_search_with_any_workers_and_kills(tmp_path: Path, sampler: str) -> None:
    chosen = replace(study(sampler), **TWO)
    undisturbed = finished(tmp_path / "one", 1, random.Random(0), study=chosen)
    killed = finished(tmp_path / "five", 5, random.Random(1), kills=2, study=chosen)
    assert outcome(killed) == outcome(undisturbed)
    assert suggested(killed) == suggested(undisturbed)


def test_the_front_is_confirmed_and_holds_what_nothing_beats(tmp_path: Path) -> None:
    history = finished(tmp_path / "run", 2, random.Random(0), study=replace(SHORT, trials=20, **TWO))
    done = [entry for entry in history.phase("search") if entry.status == "completed"]
    points = {entry.trial: (entry.score, entry.spec.costs["seconds"]) for entry in done}
    best = {
        name
        for name, (error, cost) in points.items()
        if not any(e <= error and c <= cost and (e, c) != (error, cost) for e, c in points.values())
    }
    assert len(best) > 1
    assert history.best is not None
    assert {entry.spec.arm for entry in history.phase("front")} == best - {history.best.trial}
    fresh = {seed for entry in history.phase("confirm") for seed in entry.spec.seeds}
    assert {seed for entry in history.phase("front") for seed in entry.spec.seeds} == fresh


@pytest.mark.parametrize("modelled", ["tpe", DEFAULT_SAMPLER])
def test_a_sampler_with_two_objectives_finds_a_cheaper_front_than_chance(
    tmp_path: Path, modelled: str
) -> None:
    """By the area under the front, of error and the logarithm of cost."""

    def area(sampler: str) -> float:
        size = {"trials": 40, "startup_trials": 10, "early_stopping": "none"}
        chosen = replace(SHORT, sampler=sampler, objectives=("error", "points"), **size)
        history = finished(tmp_path / sampler, 1, random.Random(0), study=chosen)
        done = [each for each in history.phase("search") if each.status == "completed"]
        costs = [200 * 1.1**step for step in range(30)]
        return sum(
            min((e.score for e in done if e.spec.costs["points"] <= cost), default=2) for cost in costs
        )

    assert area(modelled) < area("random")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objectives": ("error", "secnds")}, r"unknown objective 'secnds'.*Did you mean 'seconds'\?"),
        ({"objectives": ("seconds", "error")}, "'error' must be the first"),
        ({"objectives": ("error", "points", "points")}, "each may appear only once"),
        ({"objectives": ("error", "points")}, "early_stopping of synthetic-search must be 'none'"),
        ({**TWO, "sampler": "cma-es"}, "'cma-es' takes one objective"),
        ({"priors": {"widht": Prior(1.0, 2.0)}}, "unknown key in priors of synthetic-search 'widht'"),
        ({"priors": {"learning_rate": Prior(1.0, 2.0)}}, "guess 1 of learning_rate .* is not in its range"),
        ({"priors": {"learning_rate": Prior(0.01, 0.5)}}, "is a factor above 1"),
        ({"priors": {"depth": Prior(2.0, 1.0)}, "sampler": "sobol"}, "'sobol' cannot take the priors"),
        ({"constraints": lambda settings: {"never": 1.0}}, "constraints of synthetic-search allow none"),
        ({"order": "arrival", "priors": {"depth": Prior(2.0, 1.0)}}, "priors of .* not allowed with order"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(SHORT, **changes)


def test_an_edit_to_several_objectives_ends_early_stopping_that_nobody_asked_for() -> None:
    edited = Edits(objectives=["error", "seconds"]).of(SEARCH)
    assert isinstance(edited, Search)
    assert (edited.objectives, edited.early_stopping) == (("error", "seconds"), "none")
    with pytest.raises(ConfigurationError, match="must be 'none'"):
        Edits(objectives=["error", "seconds"], early_stopping="median").of(SEARCH)


def short(settings: Mapping[str, Any]) -> dict[str, float]:
    return {"work": settings["iterations"] * settings["depth"] - 150}


@pytest.mark.parametrize("sampler", ["tpe", DEFAULT_SAMPLER, "random"])
def test_constraints_hold_and_a_sampler_that_models_them_is_told(
    tmp_path: Path, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    real = optuna.trial.Trial.set_constraint
    monkeypatch.setattr(
        optuna.trial.Trial, "set_constraint", lambda own, *pair: (told.append(pair[0]), real(own, *pair))
    )
    chosen = replace(SHORT, sampler=sampler, constraints=short)
    undisturbed = finished(tmp_path / "one", 1, random.Random(0), study=chosen)
    assert all(short(changes)["work"] <= 0 for changes in suggested(undisturbed))
    assert all(entry.spec.constraints["work"] <= 0 for entry in undisturbed.phase("search"))
    assert set(told) == ({"work"} if SAMPLERS.get(sampler).constrained else set())
    killed = finished(tmp_path / "three", 3, random.Random(1), kills=2, study=chosen)
    assert outcome(killed) == outcome(undisturbed)


def test_a_budget_for_each_training_bounds_its_cost() -> None:
    chosen = replace(SHORT, budget_per_training=0.35)
    cheap = {"learning_rate": 0.01, "iterations": 50, "depth": 1}
    assert chosen.allows(cheap)
    assert not chosen.allows({**cheap, "iterations": 400, "depth": 3})


SPACE = {
    "rate": FloatDistribution(1e-4, 1.0, log=True),
    "steps": IntDistribution(0, 100, step=10),
    "size": PowersOfTwo(1, 512),
}
PRIORS = {"rate": Prior(0.01, 2.0), "steps": Prior(50, 10.0), "size": Prior(64, 2.0)}


def test_start_up_trials_follow_a_prior_on_its_scale() -> None:
    made = SAMPLERS.get("random")(replace(SEARCH, space={"depth": IntDistribution(1, 3)}).drawn, 10)
    made.space = {key: each for key, each in SPACE.items() if key != "size"}
    made.space["size"] = IntDistribution(0, 9)
    suggestions = Suggestions(SPACE, made, seed=3, priors=PRIORS)
    draws = [suggestions.suggest() for _ in range(200)]
    within = sum(0.005 <= each["rate"] <= 0.02 for each in draws) / len(draws)
    assert 0.58 < within < 0.78  # a standard deviation: 0.68
    assert {each["steps"] % 10 for each in draws} == {0}
    assert 45 < sum(each["steps"] for each in draws) / len(draws) < 55
    assert all(each["size"] & (each["size"] - 1) == 0 for each in draws)
    assert sum(each["size"] == 64 for each in draws) > 50


def test_a_model_goes_on_from_its_prior_and_the_search_stays_the_same(tmp_path: Path) -> None:
    chosen = replace(SHORT, priors={"learning_rate": Prior(0.01, 1.2)})
    undisturbed = finished(tmp_path / "one", 1, random.Random(0), study=chosen)
    assert all(0.005 < each["learning_rate"] < 0.02 for each in suggested(undisturbed)[:4])
    killed = finished(tmp_path / "three", 3, random.Random(1), kills=2, study=chosen)
    assert outcome(killed) == outcome(undisturbed)


def test_aims_constraints_and_priors_survive_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("__main__.short", short, raising=False)
    chosen = replace(SHORT, **TWO, constraints=short, priors={"depth": Prior(2.0, 1.0)})
    again = from_dict(json.loads(json.dumps(to_dict(chosen))))
    assert isinstance(again, Search)
    for key in ("objectives", "constraints", "priors"):
        assert getattr(again, key) == getattr(chosen, key)


FEW = {"depth": IntDistribution(1, 3), "activation": Choice(["tanh", "sin"])}


def test_settings_suggested_twice_are_trained_once(tmp_path: Path) -> None:
    """Of six settings ten trials cannot all be new: the others end as the first of their settings did."""
    chosen = replace(SHORT, space=FEW, sampler="random", early_stopping="asha")
    undisturbed = finished(tmp_path / "one", 1, random.Random(0), study=chosen)
    entries = {entry.trial: entry for entry in undisturbed.phase("search")}
    twins = [entry for entry in entries.values() if entry.spec.same_as is not None]
    assert len(entries) == 10
    assert len(entries) - len(twins) <= 6
    for twin in twins:
        first = entries[str(twin.spec.same_as)]
        assert twin.spec.changes == first.spec.changes
        assert (twin.status, twin.rung, twin.score) == (first.status, first.rung, first.score)
    killed = finished(tmp_path / "four", 4, random.Random(1), kills=3, study=chosen)
    assert outcome(killed) == outcome(undisturbed)
