"""A squared Monte-Carlo residual rewards a smaller integral: two independent samples do not."""

from dgm_core import Setup, load_problem
from studies.study import Ablation

STUDY = Ablation.grid(
    name="fredholm-bias",
    question="How much does the biased squared residual cost, and does the unbiased product mend it?",
    base=Setup.named(load_problem("fredholm"), "paper").changed(
        {"learning_rate": 3e-3, "schedule": "cosine", "activation": "tanh"}
    ),
    factors={"problem.unbiased": [False, True], "problem.nodes": [2, 5, 10, 50]},
    baseline={"problem.unbiased": False, "problem.nodes": 50},
    quick={
        "arms": ["False, 2", "True, 2", "False, 50", "True, 50"],
        "iterations": 300,
        "replicates": 3,
    },
)
