"""The learning rate, constant and with cosine decay, at the paper's other settings."""

from dgm_core import Setup, load_problem
from studies.study import Ablation

STUDY = Ablation.grid(
    name="heat-learning-rate",
    question="Which learning rate suits the heat equation, and what does a cosine decay add?",
    base=Setup.named(load_problem("heat"), "paper"),
    factors={
        "schedule": ["constant", "cosine"],
        "learning_rate": [1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
    },
    baseline={"schedule": "constant", "learning_rate": 1e-4},
    quick={
        "arms": ["constant, 0.0001", "constant, 0.01", "cosine, 0.0001", "cosine, 0.01"],
        "iterations": 500,
        "replicates": 3,
    },
)
