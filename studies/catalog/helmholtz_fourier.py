"""Random Fourier features of several scales where the solution has a frequency of its own."""

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
    name="helmholtz-fourier",
    question="Do random Fourier features find the Helmholtz solution sooner, and at which scale?",
    base=Setup(load_problem("helmholtz"), BASE),
    arms={
        "none": {},
        **{
            f"scale {scale:g}": {"embedding": "fourier", "embedding_scale": scale}
            for scale in (1.0, 2.0, 4.0, 16.0)
        },
    },
    baseline="none",
    quick={"iterations": 400, "replicates": 3},
)
