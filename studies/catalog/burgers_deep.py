"""Networks of twelve hidden layers: plain, gated, and of adaptive residual blocks."""

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
    name="burgers-deep",
    question="Do gates and adaptive residual connections make a deep network trainable?",
    base=Setup(load_problem("burgers"), BASE),
    arms={
        "mlp, 3 layers": {},
        "mlp, 12 layers": {"depth": 12},
        "modified-mlp, 12 layers": {"network": "modified-mlp", "depth": 12},
        "piratenet, 12 layers": {"network": "piratenet", "depth": 4},
    },
    baseline="mlp, 3 layers",
    quick={"iterations": 300, "replicates": 2},
)
