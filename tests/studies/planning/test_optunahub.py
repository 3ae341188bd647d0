"""A sampler from OptunaHub under the logical clock: a package of its layout, loaded from a folder."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.samplers import BaseSampler

from tests.studies.planning.test_conformance import SHORT, suggested
from tests.studies.planning.test_course import finished, outcome

optunahub = pytest.importorskip("optunahub", reason="the package optunahub is not installed")

SAMPLER = """
import numpy as np
import optunahub
from optuna.trial import TrialState


class NearBest(optunahub.samplers.SimpleBaseSampler):
    def __init__(self, search_space=None, *, seed=None):
        super().__init__(search_space, seed)
        self._rng = np.random.RandomState(seed)

    def sample_relative(self, study, trial, search_space):
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        best = min(done, key=lambda each: each.value, default=None)
        if best is None or not search_space:
            return {}
        near = {name: best.params[name] * self._rng.uniform(0.8, 1.25) for name in search_space}
        return {name: min(max(near[name], d.low), d.high) for name, d in search_space.items()}
"""


@pytest.fixture
def factory(tmp_path: Path) -> Any:
    package = tmp_path / "registry/package/samplers/near_best"
    package.mkdir(parents=True)
    (package / "sampler.py").write_text(SAMPLER)
    (package / "__init__.py").write_text("from .sampler import NearBest\n")
    root = str(tmp_path / "registry/package")

    @cache
    def hub() -> Any:
        return optunahub.load_local_module("samplers/near_best", registry_root=root)

    def near_best(seed: int) -> BaseSampler:
        made: BaseSampler = hub().NearBest(seed=seed)
        return made

    return near_best


def test_it_is_the_same_search_with_other_workers_and_after_kills(tmp_path: Path, factory: Any) -> None:
    space = {"learning_rate": FloatDistribution(1e-4, 1e-1, log=True)}
    study = replace(SHORT, space=space, sampler=factory, early_stopping="asha")
    whole = finished(tmp_path / "one", 1, random.Random(0), study=study)
    killed = finished(tmp_path / "five", 5, random.Random(1), kills=3, study=study)
    assert outcome(killed) == outcome(whole)
    assert suggested(killed) == suggested(whole)
    rates = [changes["learning_rate"] for changes in suggested(whole)]
    assert any(0.8 <= later / earlier <= 1.25 for n, later in enumerate(rates) for earlier in rates[:n]), (
        "it learnt from no trial"
    )
