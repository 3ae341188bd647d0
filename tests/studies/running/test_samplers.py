"""Every sampler but the default once under a real Ray, as small as can be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution

from studies.records import read_study
from studies.records.events import Suggested
from studies.records.log import read_log
from studies.running.runner import Options, run_study
from studies.samplers import DEFAULT_SAMPLER, SAMPLERS
from studies.stopping import RULES
from studies.study import Search
from tests.studies.running.synthetic import BASE

TINY = Search(
    name="tiny",
    base=BASE.changed({"iterations": 6, "depth": 1}),
    space={"learning_rate": FloatDistribution(0.001, 0.011, step=0.001)},
    trials=3,
    replicates=1,
    confirmations=1,
    startup_trials=1,
    grace_period=2,
    reduction_factor=2,
    workers=1,  # each takes seconds to start
)
_OTHERS = sorted(set(SAMPLERS.names()) - {DEFAULT_SAMPLER})
RULES_OF = dict(zip(_OTHERS, [*RULES.names(), *RULES.names()], strict=False))
"""Each with another rule, so that each rule is seen as well."""


@pytest.mark.ray
def test_each_sampler_and_each_rule_finish_a_study(tmp_path: Path) -> None:
    assert set(RULES_OF.values()) == set(RULES.names())
    for sampler, rule in RULES_OF.items():
        study = replace(TINY, sampler=sampler, early_stopping=rule)
        run = run_study(study, Options(out=tmp_path, run=sampler, cores=1))
        record = read_study(run)
        assert record.state == "finished", sampler
        assert record.scheduler["sampler"] == sampler
        suggested = [event for event in read_log(run) if isinstance(event, Suggested)]
        assert len([event for event in suggested if event.phase == "search"]) == TINY.trials
