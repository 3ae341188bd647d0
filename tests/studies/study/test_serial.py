"""A study as plain values, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dgm_core import ConfigurationError
from studies.catalog import STUDIES, load_study
from studies.study import from_dict, to_dict


@pytest.mark.parametrize("name", STUDIES.names())
@pytest.mark.parametrize("quick", [False, True])
def test_every_study_is_the_same_after_a_journey_through_json(name: str, quick: bool) -> None:
    study = load_study(name)
    study = study.shortened() if quick else study
    values = to_dict(study)
    assert to_dict(from_dict(json.loads(json.dumps(values)))) == json.loads(json.dumps(values))


@pytest.mark.parametrize(
    "change",
    [{"kind": "poem"}, {"trials": -1, "bogus": 2}, {"space": {"depth": {}}}, {"base": {"problem": "heet"}}],
)
def test_values_that_are_no_study_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        from_dict({**to_dict(load_study("heat-search")), **change})
