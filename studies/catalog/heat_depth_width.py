"""Depth against width at the paper's other settings."""

from dgm_core import Setup, load_problem
from studies.study import Ablation

STUDY = Ablation.grid(
    name="heat-depth-width",
    question="Is a deeper or a wider network better for the heat equation, and at what cost?",
    base=Setup.named(load_problem("heat"), "paper"),
    factors={"depth": [1, 2, 3, 4, 6], "width": [8, 16, 32, 64]},
    baseline={"depth": 3, "width": 32},
    quick={"arms": ["1, 8", "1, 32", "3, 8", "3, 32"], "iterations": 500, "replicates": 3},
)
