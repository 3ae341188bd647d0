"""An ablation of a remedy for trainings that fail: what those of the catalogue share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dgm_core import Setup, TrainConfig, load_problem
from studies.study.ablation import Ablation

_PLAIN = {
    "width": 32,
    "depth": 3,
    "batch_size": 128,
    "iterations": 5_000,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "input_scaling": "unit",
    "hard_conditions": True,
}
_QUICK = {"iterations": 400, "replicates": 3}


def remedy_ablation(
    problem: str,
    remedy: str,
    *,
    question: str,
    arms: Mapping[str, Mapping[str, Any]],
    baseline: str = "none",
    base: Mapping[str, Any] | None = None,
    quick: Mapping[str, Any] | None = None,
) -> Ablation:
    """Arms that differ by a remedy, on one short training of a problem.

    base: what that training has other than a network of three layers by Adam, with hard conditions.
    quick: what the short variant has other than 400 iterations and 3 replicates.
    """
    return Ablation(
        name=f"{problem}-{remedy}",
        question=question,
        base=Setup(load_problem(problem), TrainConfig.create({**_PLAIN, **(base or {})})),
        arms=arms,
        baseline=baseline,
        quick={**_QUICK, **(quick or {})},
    )
