"""Trials that need no training: what they report is a function of their settings."""

from __future__ import annotations

import math

from optuna.distributions import FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.planning.plans import SearchPlan
from studies.planning.trial import Trial
from studies.records.events import Metrics, Replicates
from studies.study import Search

BASE = Setup.named(load_problem("heat")).changed({"width": 4, "batch_size": 4, "iterations": 400})

SEARCH = Search(
    name="synthetic-search",
    base=BASE,
    space={
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "iterations": IntDistribution(50, 400, log=True),
        "depth": IntDistribution(1, 3),
    },
    trials=12,
    replicates=2,
    confirmations=3,
    startup_trials=4,
    grace_period=40,
    reduction_factor=2,
    workers=4,
)


def search_plan(seed: int = 1, study: Search = SEARCH) -> SearchPlan:
    return SearchPlan(study, seed, {})


def metrics(trial: Trial, iterations: int) -> Metrics:
    """What a trial reports: rates near 0.01 are good, high ones diverge after iteration 60."""
    rate, end = trial.setup.config.learning_rate, trial.setup.config.iterations
    diverged = rate > 0.06 and iterations > 60
    error = abs(math.log10(rate) + 2.0) + 10.0 / iterations + 0.01 * trial.setup.config.depth
    score = None if diverged else error
    count = len(trial.seeds)
    return Metrics(
        iterations=iterations,
        score=score,
        final=diverged or iterations == end,
        loss=None if diverged else 1.0 / iterations,
        seconds=0.0,
        parameters=10,
        replicates=Replicates(
            status=["diverged" if diverged else "completed"] * count,
            scores=[score] * count,
            errors={"mae": [score] * count},
            losses=[[None if diverged else 1.0] * 5] * count,
            diverged_at=[61 if diverged else None] * count,
        ),
    )


def reports(trial: Trial) -> list[Metrics]:
    """All that a trial reports on its way to its end."""
    found = []
    for stop in (*trial.rungs, trial.setup.config.iterations):
        at = metrics(trial, stop if trial.setup.config.learning_rate <= 0.06 else min(stop, 80))
        found.append(at)
        if at.final:
            break
    return found
