"""A study asked differently, from Python as from the command line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import studies
from dgm_core import ConfigurationError, load_problem
from studies.catalog import load_study
from studies.study import Ablation, Edits, Search
from studies.study.priors import Prior

SEARCH, ABLATION = load_study("heat-search"), load_study("heat-batch-size")


def test_nothing_given_changes_nothing() -> None:
    assert Edits().of(SEARCH) == SEARCH
    assert Edits().of(ABLATION) == ABLATION


def test_a_search_takes_other_limits_and_ways() -> None:
    edits = Edits(
        trials=3, time_limit=60.0, sampler="random", early_stopping="none", replicates=2,
        settings={"depth": 2}, resources={"cpus": 2.0},
    )  # fmt: skip
    edited = edits.of(SEARCH)
    assert isinstance(edited, Search)
    assert (edited.trials, edited.time_limit, edited.budget) == (3, 60.0, None)
    assert (edited.sampler, edited.early_stopping, edited.replicates) == ("random", "none", 2)
    assert "depth" not in edited.space
    assert edited.base.config.depth == 2
    assert edited.resources.cpus == 2.0


def test_an_ablation_takes_other_arms_and_lengths_after_its_quick_variant() -> None:
    edited = Edits(quick=True, arms=["64", "256"], iterations=70, tuned_rate=True).of(ABLATION)
    assert isinstance(edited, Ablation)
    assert list(edited.arms) == ["64", "256"]
    assert edited.base.config.iterations == 70
    assert edited.tuned_rate
    assert edited.replicates == ABLATION.quick.get("replicates", ABLATION.replicates)


def test_a_study_with_a_budget_of_its_clock_goes_by_arrival_without() -> None:
    study = replace(SEARCH, budget=60.0, quick={"budget": 6.0, "trials": 3})
    edited = Edits(searcher="optuna", scheduler="median").of(study)
    assert isinstance(edited, Search)
    assert (edited.order, edited.budget, dict(edited.quick)) == ("arrival", None, {"trials": 3})
    assert Edits(quick=True, scheduler="median").of(study).trials == 3  # type: ignore[union-attr]


def test_a_search_takes_priors() -> None:
    edited = Edits(priors={"learning_rate": 0.01, "depth": Prior(2, 1)}).of(SEARCH)
    assert isinstance(edited, Search)
    assert edited.priors == {"learning_rate": Prior(0.01, 3.0), "depth": Prior(2, 1)}
    again = Edits(priors={"learning_rate": Prior(0.02, 2)}).of(edited)
    assert isinstance(again, Search)
    assert again.priors == {"learning_rate": Prior(0.02, 2), "depth": Prior(2, 1)}
    assert Prior.about(2, SEARCH.space["depth"]).spread == pytest.approx(
        (SEARCH.space["depth"].high - SEARCH.space["depth"].low) / 6
    )


@pytest.mark.parametrize(
    ("study", "edits", "said"),
    [
        (SEARCH, {"arms": ["1"]}, "arms is for ablations: heat-search is a search"),
        (SEARCH, {"tuned_rate": True}, "tuned_rate is for ablations"),
        (ABLATION, {"trials": 3}, "trials is for searches: heat-batch-size is an ablation"),
        (SEARCH, {"time_limit": 0.0}, r"time_limit = 0\.0 is not allowed"),
        (ABLATION, {"arms": []}, "no arms"),
        (ABLATION, {"arms": ["65"]}, "unknown arm of heat-batch-size '65'"),
        (SEARCH, {"priors": {"learning_rat": 0.1}}, "unknown key in priors of .*'learning_rate'"),
        (SEARCH, {"priors": {"learning_rate": 50.0}}, "guess 50 of learning_rate .* is not in its range"),
        (SEARCH, {"priors": {"depth": 2.5}}, "guess 2.5 of depth .* is not in its range"),
        (ABLATION, {"priors": {"learning_rate": 0.1}}, "priors is for searches"),
        (SEARCH, {"priors": {"depth": 2}, "sampler": "sobol"}, "'sobol' cannot take the priors"),
        (SEARCH, {"priors": {"depth": 2}, "scheduler": "asha"}, "priors of .* not allowed with order"),
        (SEARCH, {"replicates": 0}, "replicates = 0 is not allowed"),
    ],
)
def test_what_a_study_cannot_be_is_refused(study: Any, edits: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Edits(**edits).of(study)


def test_python_takes_the_edits_of_the_command_line_and_no_others() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown option of a run 'trails': .* mean 'trials'\?"):
        studies.run("heat-search", trails=3)
    with pytest.raises(ConfigurationError, match="trials is for searches"):
        studies.run("heat-batch-size", trials=3)


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ({"settings": ["depth=2"]}, r"settings = \['depth=2'\] is not allowed: it must be a dictionary"),
        ({"resources": 2.0}, "resources = 2.0 is not allowed: it must be a dictionary"),
        ({"priors": "depth"}, "priors = 'depth' is not allowed"),
        ({"resources": {"gpu": 1.0}}, "unknown key in resources 'gpu': .* Did you mean 'gpus'"),
    ],
)
def test_what_is_given_by_name_is_a_dictionary(edits: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Edits(**edits).of(SEARCH)


def test_a_problem_is_for_solve() -> None:
    with pytest.raises(ConfigurationError, match="and not a Heat: `solve` trains a problem once"):
        studies.run(load_problem("heat"))  # type: ignore[arg-type]
