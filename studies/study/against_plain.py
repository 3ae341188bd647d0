"""A short search against a plain method: what those of the harder equations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution

from dgm_core import Setup, load_problem
from studies.study.search import Search

_QUICK = {"iterations": 300}


def search_against_plain(
    problem: str, *, base: Mapping[str, Any], space: Mapping[str, BaseDistribution], plain: str | None = None
) -> Search:
    """A search over settings that differ from the plain method's by `base`, compared with that.

    plain: the name of the plain method's settings, by default the problem's own.
    """
    baseline = Setup.named(load_problem(problem), plain)
    start = baseline.changed(base)
    return Search(
        name=f"{problem}-search",
        base=start,
        baseline=baseline,
        space=space,
        trials=12,
        startup_trials=5,
        grace_period=500,
        reduction_factor=3,
        workers=4,
        budget=450.0,  # a quarter of an hour on two cores
        quick={
            "base": start.changed({**_QUICK, "polish_iterations": 20}),
            "baseline": baseline.changed(_QUICK),
            "space": {key: values for key, values in space.items() if key not in _QUICK},
            "trials": 4,
            "startup_trials": 2,
            "grace_period": 100,
        },
    )
