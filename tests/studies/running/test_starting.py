"""Searches that start from what an earlier one found, and that are run as another was."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from dgm_cli.run import _like
from dgm_core import ConfigurationError, extensions
from studies import settings_of
from studies.records import Outcome, read_study, write_study
from studies.records.history import History
from studies.records.settings_text import settings_text
from studies.running.describe import study_record
from studies.running.starting import like, with_starts
from studies.samplers import DEFAULT_SAMPLER
from studies.sources import keep_sources, sources_record
from studies.study import Choice, PowersOfTwo, Search, from_dict, to_dict
from studies.study.ablation import Ablation
from tests.studies.planning.test_branches import BRANCHED, small
from tests.studies.planning.test_course import finished, outcome
from tests.studies.running.synthetic import BASE, SEARCH

FIRST = {"learning_rate": 0.01, "depth": 2}


def settings(history: History) -> list[Any]:
    return [entry.spec.changes for entry in sorted(history.phase("search"), key=lambda each: each.trial)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has ended, but has confirmed no winner."""
    folder = tmp_path / "earlier"
    finished(folder, 2, random.Random(0))
    write_study(folder, study_record(SEARCH, run="a", seed=1, quick=False, cores=1, command=None))
    return folder


@pytest.mark.parametrize("sampler", [DEFAULT_SAMPLER, "sobol", "cma-es", "nsga-ii", "random", "gp"])
def test_the_first_trials_have_the_settings_given_after_kills_too(tmp_path: Path, sampler: str) -> None:
    whole = {**FIRST, "iterations": 200}
    size = {"trials": 6, "startup_trials": 3} if sampler == "gp" else {}
    study = replace(SEARCH, sampler=sampler, start_from=[FIRST, whole], **size)
    one = finished(tmp_path / "one", 1, random.Random(0), study=study)
    killed = finished(tmp_path / "many", 4, random.Random(1), kills=2, study=study)
    first, second, *rest = settings(one)
    assert FIRST.items() <= first.items()
    assert first.keys() == SEARCH.space.keys()
    assert second == whole
    assert whole not in rest
    assert settings(killed) == settings(one)
    assert outcome(killed) == outcome(one)


def test_what_is_not_given_is_drawn_until_it_is_feasible(tmp_path: Path) -> None:
    study = replace(SEARCH, start_from=[{"depth": 3}], feasible=small)
    first, *_ = settings(finished(tmp_path / "run", 1, random.Random(0), study=study))
    assert first["depth"] == 3
    assert first["iterations"] <= 133


def test_a_choice_starts_with_what_it_brings(tmp_path: Path) -> None:
    start = {"network": "dgm", "depth": 4, "optimizer": "sgd"}
    study = replace(BRANCHED, start_from=[start])
    first, *_ = settings(finished(tmp_path / "run", 1, random.Random(0), study=study))
    assert start.items() <= first.items()
    assert "width" not in first


def test_the_best_of_a_run_and_of_a_file(run: Path, tmp_path: Path) -> None:
    best = settings_of(run)
    study = with_starts(replace(SEARCH, start_from=[str(run), FIRST]), lambda said: None)
    assert isinstance(study, Search)
    assert study.start_from == [{key: best[key] for key in SEARCH.space}, FIRST]
    record = read_study(run)
    record.winner = Outcome(trial="1", config={**BASE.flat(), "depth": 1}, score={})
    write_study(run, record)
    assert settings_of(run)["depth"] == 1
    file = tmp_path / "settings.toml"
    file.write_text(settings_text(BASE.changed({"depth": 2, "learning_rate": 0.02}).to_dict()))
    of_file = with_starts(replace(SEARCH, start_from=[str(file)]), lambda said: None)
    assert isinstance(of_file, Search)
    assert of_file.start_from == [{"learning_rate": 0.02, "iterations": 400, "depth": 2}]


def test_a_setting_that_is_not_in_the_space_is_drawn_and_that_is_said(run: Path) -> None:
    said: list[str] = []
    space = {"learning_rate": FloatDistribution(0.5, 0.9), "depth": IntDistribution(1, 3)}
    study = with_starts(replace(SEARCH, space=space, start_from=[str(run)]), said.append)
    assert isinstance(study, Search)
    assert study.start_from == [{"depth": settings_of(run)["depth"]}]
    (sentence,) = said
    assert "is not in the space, 0.5 to 0.9: it is drawn." in sentence


def test_of_a_branched_space_a_run_gives_what_goes_together(run: Path) -> None:
    study = with_starts(replace(BRANCHED, start_from=[str(run)]), lambda said: None)
    assert isinstance(study, Search)
    (start,) = study.start_from
    assert isinstance(start, dict)
    assert start["network"] == "mlp"
    assert {"depth", "width"} <= start.keys()
    assert "momentum" not in start


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ([{"dept": 1}], "Did you mean 'depth'"),
        ([{"depth": 9}], "depth = 9 in start_from of .* is not in the space, 1 to 3"),
        ([{"depth": 1.5}], "depth = 1.5"),
        ([{"depth": True}], "depth = True"),
        ([FIRST] * 13, "13 entries, but there is room for 12 trials"),
    ],
)
def test_settings_that_no_trial_can_have_are_refused(start: list[Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(SEARCH, start_from=start)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ({"batch_size": 6}, "powers of two from 4 to 8"),
        ({"activation": "sine"}, "one of tanh, sin"),
        ({"beta1": 0.7}, "is there only with a choice that is not given"),
    ],
)
def test_each_kind_of_setting_says_what_it_can_be(start: Any, said: str) -> None:
    space = {
        "batch_size": PowersOfTwo(4, 8),
        "activation": Choice(["tanh", "sin"]),
        "optimizer": Choice({"adam": {"beta1": FloatDistribution(0.5, 0.9)}, "sgd": {}}),
    }
    with pytest.raises(ConfigurationError, match=said):
        replace(SEARCH, space=space, start_from=[start])


def test_a_setting_that_is_fixed_is_none_to_start_from() -> None:
    fixed = replace(SEARCH, start_from=[FIRST]).changed({"depth": 1})
    assert fixed.start_from == [{"learning_rate": 0.01}]


def test_places_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path / "none.toml"):
        with pytest.raises(ConfigurationError):
            with_starts(replace(SEARCH, start_from=[str(place)]), lambda said: None)
    with pytest.raises(ConfigurationError, match="points_to_evaluate"):
        replace(SEARCH, order="arrival", start_from=[FIRST])


def test_starts_are_in_the_record() -> None:
    study = replace(SEARCH, start_from=[FIRST])
    again = from_dict(to_dict(study))
    assert isinstance(again, Search)
    assert list(again.start_from) == [FIRST]


def test_a_study_is_searched_as_a_run_was() -> None:
    how = {"sampler": "gp", "early_stopping": "median", "trials": 7, "replicates": 1, "workers": 2}
    other = replace(SEARCH, name="other", **how)
    record = study_record(other, run="a", seed=3, quick=False, cores=1, command=None)
    space = {"width": IntDistribution(2, 8)}
    study = like(replace(SEARCH, space=space, start_from=[{"width": 4}]), record)
    assert isinstance(study, Search)
    assert {key: getattr(study, key) for key in how} == how
    assert (study.name, study.space, list(study.start_from)) == (SEARCH.name, space, [{"width": 4}])
    ablation = Ablation(name="a", base=BASE, arms={"x": {"depth": 1}, "y": {"depth": 2}}, baseline="x")
    with pytest.raises(ConfigurationError, match="a cannot be run like a run of the kind 'search'"):
        like(ablation, record)


def test_a_run_by_arrival_is_followed_by_a_study_with_a_budget_of_its_clock() -> None:
    other = replace(SEARCH, order="arrival", scheduler="median", grace_period=30)
    record = study_record(other, run="one", seed=1, quick=False, cores=2, command=None)
    study = like(replace(SEARCH, budget=60.0, quick={"budget": 6.0, "trials": 2}), record)
    assert isinstance(study, Search)
    assert (study.order, study.scheduler, study.grace_period) == ("arrival", "median", 30)
    assert (study.budget, dict(study.quick)) == (None, {"trials": 2})


def test_a_run_s_own_sampler_is_taken_from_the_files_that_it_keeps(tmp_path: Path, own_files: None) -> None:
    file = tmp_path / "mine/drawing.py"
    file.parent.mkdir()
    file.write_text(
        "from optuna.samplers import RandomSampler\n\n"
        "def drawing(seed):\n    return RandomSampler(seed=seed)\n"
    )
    made = replace(SEARCH, sampler=extensions.load(file).drawing, trials=7)
    record = study_record(made, run="run", seed=5, quick=False, cores=1, command=None)
    run = tmp_path / "run"
    run.mkdir()
    record.sources = sources_record(keep_sources(run, BASE))
    write_study(run, record)
    file.unlink()

    extensions.unload()
    study, seed = _like(SEARCH, run, None, False)  # this user made it here: nobody is asked
    assert (study.sampler.__name__, study.trials, seed) == ("drawing", 7, 5)
    assert study.sampler(1).__class__.__name__ == "RandomSampler"

    extensions.unload()
    (kept,) = (run / "sources").rglob("drawing.py")
    kept.write_text(kept.read_text() + "\n")  # altered since
    with pytest.raises(ConfigurationError, match=r"would run code that it keeps .* then give --trust"):
        _like(SEARCH, run, None, False)
    assert not any(module.__name__ == "drawing" for module in extensions.modules())
    study, seed = _like(SEARCH, run, 2, True)
    assert (study.sampler.__name__, seed) == ("drawing", 2)
