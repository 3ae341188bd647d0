"""Settings that exist only with some choices of another, and settings that are allowed only together."""

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
from studies.records.history import History
from studies.records.spaces import present
from studies.running.describe import study_record
from studies.samplers import SAMPLERS
from studies.study import Choice, PowersOfTwo, Search, from_dict, to_dict
from studies.study.branches import drawn, merged, named, places
from tests.studies.planning.test_course import finished, outcome
from tests.studies.running.synthetic import SEARCH

BRANCHED = replace(
    SEARCH,
    space={
        "learning_rate": FloatDistribution(1e-3, 1e-1, log=True),
        "network": Choice(
            {
                "mlp": {"depth": IntDistribution(1, 3), "width": PowersOfTwo(2, 8)},
                "dgm": {"depth": IntDistribution(2, 4)},
                "resnet": {},
            }
        ),
        "optimizer": Choice(
            {"adam": {"beta1": FloatDistribution(0.5, 0.9)}, "sgd": {"momentum": Choice([None, 0.9])}}
        ),
    },
    trials=10,
    confirmations=2,
)
SERVED = [name for name in SAMPLERS.names() if SAMPLERS.get(name).conditional and name != "cma-es"]


def small(settings: Mapping[str, Any]) -> bool:
    return settings["depth"] * settings["iterations"] <= 400


def never(settings: Mapping[str, Any]) -> bool:
    return False


def suggested(history: History) -> list[Mapping[str, Any]]:
    return [entry.spec.changes for entry in history.phase("search")]


@pytest.mark.parametrize("sampler", SERVED)
def test_a_search_with_branches_is_the_same_after_kills(tmp_path: Path, sampler: str) -> None:
    study = replace(BRANCHED, sampler=sampler, trials=6 if sampler == "gp" else 10, startup_trials=3)
    one = finished(tmp_path / "one", 1, random.Random(0), study=study)
    killed = finished(tmp_path / "many", 5, random.Random(1), kills=2, study=study)
    assert outcome(killed) == outcome(one)
    changes = suggested(one)
    assert changes == suggested(killed)
    for each in changes:
        below = {"mlp": {"depth", "width"}, "dgm": {"depth"}, "resnet": set()}[each["network"]]
        below = below | {"adam": {"beta1"}, "sgd": {"momentum"}}[each["optimizer"]]
        assert each.keys() == {"learning_rate", "network", "optimizer", *below}
    assert len({json.dumps(each, sort_keys=True) for each in changes}) == len(changes)


def test_a_choice_and_the_settings_that_it_brings_are_one_step_of_the_explanation(tmp_path: Path) -> None:
    baseline = SEARCH.base.changed({"optimizer": "rmsprop", "network": "resnet", "depth": 5, "width": 7})
    study = replace(BRANCHED, explain=True, baseline=baseline)
    history = finished(tmp_path / "run", 1, random.Random(0), study=study)
    brought = {"depth": "network", "width": "network", "beta1": "optimizer", "momentum": "optimizer"}
    steps = [set(str(entry.spec.arm).split(", ")) for entry in history.phase("path")]
    for keys in steps:
        assert len({brought.get(key, key) for key in keys}) == 1
    assert any(len(keys) > 1 for keys in steps), "nothing was brought: the test shows nothing"


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS.names()) - {"cma-es"}))
def test_only_feasible_settings_are_suggested_after_kills_too(tmp_path: Path, sampler: str) -> None:
    space = {"iterations": IntDistribution(50, 400, step=50), "depth": IntDistribution(1, 4)}
    size = {"trials": 6, "startup_trials": 3} if sampler == "gp" else {"trials": 8}
    study = replace(SEARCH, space=space, feasible=small, sampler=sampler, confirmations=2, **size)
    one = finished(tmp_path / "one", 1, random.Random(0), study=study)
    killed = finished(tmp_path / "many", 5, random.Random(1), kills=2, study=study)
    assert outcome(killed) == outcome(one)
    assert all(each["depth"] * each["iterations"] <= 400 for each in suggested(one))


def test_branches_and_constraints_go_together(tmp_path: Path) -> None:
    study = replace(BRANCHED, feasible=lambda settings: settings["network"] != "dgm")
    history = finished(tmp_path / "run", 2, random.Random(0), study=study)
    assert {each["network"] for each in suggested(history)} == {"mlp", "resnet"}


def test_settings_and_what_a_sampler_draws_are_inverse() -> None:
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask(BRANCHED.drawn)
    settings = drawn(BRANCHED.space, lambda name, distribution: trial.params[name])
    again = named(BRANCHED.space, settings)
    assert again.items() <= trial.params.items()
    assert drawn(BRANCHED.space, lambda name, distribution: again[name]) == settings
    assert "network=mlp/width" in BRANCHED.drawn


def test_a_branched_study_is_read_back_and_its_record_says_when_a_setting_exists() -> None:
    again = from_dict(json.loads(json.dumps(to_dict(BRANCHED))))
    assert isinstance(again, Search)
    assert again.space == BRANCHED.space
    record = study_record(BRANCHED, run="a", seed=0, quick=False, cores=1, command=None)
    assert record.space["width"]["when"] == {"network": ["mlp"]}
    assert (record.space["depth"]["low"], record.space["depth"]["high"]) == (1, 4)
    assert record.space["depth"]["when"] == {"network": ["mlp", "dgm"]}
    assert "when" not in record.space["learning_rate"]
    assert present(record.space, "width", {"network": "mlp"})
    assert not present(record.space, "width", {"network": "dgm"})


def test_what_a_fixed_choice_brings_with_it_stays_to_be_searched() -> None:
    fixed = BRANCHED.changed({"network": "mlp"})
    assert set(fixed.space) == {"learning_rate", "depth", "width", "optimizer"}
    assert set(BRANCHED.changed({"network": "resnet"}).space) == {"learning_rate", "optimizer"}
    deep = BRANCHED.changed({"depth": 3})
    assert [place.name for place in places(deep.space) if "depth" in place.name] == []
    assert "network=mlp/width" in deep.drawn


def test_choices_bring_choices() -> None:
    space = {
        "optimizer": Choice(
            {
                "adam": {
                    "schedule": Choice({"constant": {}, "cosine": {"decay": FloatDistribution(0.0, 0.5)}})
                },
                "sgd": {},
            }
        )
    }
    study = replace(SEARCH, space=space)
    assert "optimizer=adam/schedule=cosine/decay" in study.drawn
    _, when = merged(study.space)["decay"]
    assert when == {"schedule": ["cosine"]}


def test_the_longest_of_all_branches_is_the_longest_trial() -> None:
    space = {"network": Choice({"mlp": {"iterations": IntDistribution(100, 900)}, "dgm": {}})}
    assert replace(SEARCH, space=space).max_t == 900
    space = {"network": Choice({"mlp": {"iterations": IntDistribution(100, 200)}, "dgm": {}})}
    assert replace(SEARCH, space=space).max_t == SEARCH.base.config.iterations


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"space": {"network": Choice({"mlp": {"dept": IntDistribution(1, 2)}})}}, "Did you mean 'depth'"),
        ({"space": {"network": Choice({"mlpp": {}})}}, "Did you mean 'mlp'"),
        ({"space": {"network": Choice({"mlp": {"depth": IntDistribution(0, 2)}})}}, "depth = 0"),
        (
            {
                "space": {
                    "network": Choice({"mlp": {"depth": IntDistribution(1, 2)}}),
                    "depth": IntDistribution(1, 3),
                }
            },
            "depth is in the space twice",
        ),
        (
            {
                "space": {
                    "network": Choice(
                        {"mlp": {"depth": IntDistribution(1, 2)}, "dgm": {"depth": Choice([1, 2])}}
                    )
                }
            },
            "drawn in two ways",
        ),
        ({"space": {"network": Choice({"mlp": {"network": Choice(["dgm"])}})}}, "depends on itself"),
        ({"sampler": "sobol"}, "'sobol' cannot suggest settings that exist only with"),
        ({"sampler": "grid"}, "'grid' cannot suggest settings that exist only with"),
        ({"order": "arrival"}, "settings that depend on others"),
        ({"feasible": never}, "feasible of .* allows none of 500 settings"),
    ],
)
def test_spaces_that_make_no_sense_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(BRANCHED, **changes)


def test_a_choice_brings_a_mapping() -> None:
    with pytest.raises(ConfigurationError, match="'mlp' brings 3 with it"):
        Choice({"mlp": 3})  # type: ignore[dict-item]
