"""Activations with a trained slope for each layer."""

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
    }
)

STUDY = Ablation(
    name="burgers-slope",
    question="Do trained slopes of the activations lower the error at the same learning rate?",
    base=Setup(load_problem("burgers"), BASE),
    arms={"none": {}, **{f"n = {n:g}": {"activation_slope": n} for n in (1.0, 5.0, 10.0)}},
    baseline="none",
    quick={"iterations": 400, "replicates": 3},
)
