"""A study as plain values, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dgm_core import ConfigurationError
from studies.catalog import STUDIES, load_study
from studies.samplers import DEFAULT_SAMPLER
from studies.study import Search, from_dict, to_dict


@pytest.mark.parametrize("name", STUDIES.names())
@pytest.mark.parametrize("quick", [False, True])
def test_every_study_is_the_same_after_a_journey_through_json(name: str, quick: bool) -> None:
    study = load_study(name)
    study = study.shortened() if quick else study
    values = to_dict(study)
    assert to_dict(from_dict(json.loads(json.dumps(values)))) == json.loads(json.dumps(values))


@pytest.mark.parametrize(
    ("recorded", "meant"),
    [
        ({}, "tpe"),  # begun before samplers could be chosen
        ({"sampler": "tpe"}, "tpe"),  # begun while that was the default
        ({"sampler": "tpe", "order": "arrival"}, DEFAULT_SAMPLER),  # which suggests nothing by arrival
    ],
)
def test_a_run_of_old_goes_on_with_the_sampler_of_its_time(recorded: dict[str, Any], meant: str) -> None:
    searched = load_study("heat-search")
    assert isinstance(searched, Search)
    values = to_dict(searched.by_arrival() if "order" in recorded else searched)
    del values["sampler"]
    study = from_dict({**values, **recorded})
    assert isinstance(study, Search)
    assert study.sampler == meant


@pytest.mark.parametrize(
    "change",
    [{"kind": "poem"}, {"trials": -1, "bogus": 2}, {"space": {"depth": {}}}, {"base": {"problem": "heet"}}],
)
def test_values_that_are_no_study_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        from_dict({**to_dict(load_study("heat-search")), **change})
