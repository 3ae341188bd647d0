"""Weights of the loss that follow the training, on an equation whose residual dwarfs its conditions."""

from dgm_core import Setup, TrainConfig, load_problem
from studies.study import Ablation

FIXED = {"redraw_every": 0, "sampler": "sobol"}
"""Residual-based attention weighs points that stay the same."""

BASE = TrainConfig.create(
    {
        "width": 32,
        "depth": 3,
        "batch_size": 128,
        "iterations": 5_000,
        "learning_rate": 3e-3,
        "schedule": "cosine",
        "input_scaling": "unit",
        "activation": "sin",
        "gain": 2.0,
    }
)

STUDY = Ablation(
    name="helmholtz-balancing",
    question="Which way to balance the loss lowers the error, at the same points a step?",
    base=Setup(load_problem("helmholtz"), BASE),
    arms={
        "none": {},
        "gradient norms": {"balancing": "gradient-norm"},
        "tangent kernel": {"balancing": "ntk"},
        "none, fixed points": FIXED,
        "residual attention, fixed points": {**FIXED, "balancing": "residual-attention"},
    },
    baseline="none",
    quick={"iterations": 400, "replicates": 3},
)
