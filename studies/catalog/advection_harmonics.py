"""Harmonics of a periodic axis, where the solution has but one."""

from dgm_core import Setup, TrainConfig, load_problem
from studies.study import Ablation

BASE = TrainConfig.create(
    {
        "width": 32,
        "depth": 3,
        "batch_size": 128,
        "iterations": 5_000,
        "learning_rate": 3e-3,
        "schedule": "cosine",
        "input_scaling": "unit",
        "hard_conditions": True,
        "activation": "sin",
        "gain": 2.0,
        "causality": 1.0,
    }
)

STUDY = Ablation(
    name="advection-harmonics",
    question="What do harmonics that the solution does not have cost?",
    base=Setup(load_problem("advection"), BASE),
    arms={f"{harmonics}": {"harmonics": harmonics} for harmonics in (1, 2, 4, 8)},
    baseline="1",
    quick={"arms": ["1", "4"], "iterations": 400, "replicates": 3},
)
