"""Random weight factorisation, by the mean of its logarithms."""

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
    name="burgers-factorisation",
    question="Do factors on each unit's weights lower the error at the same learning rate?",
    base=Setup(load_problem("burgers"), BASE),
    arms={"none": {}, **{f"{mean:g}": {"weight_factorisation": mean} for mean in (0.5, 1.0, 2.0)}},
    baseline="none",
    quick={"iterations": 400, "replicates": 3},
)
