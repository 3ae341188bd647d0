"""Better settings for the exponential decay, at no more than the paper's iterations."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dgm_core import Setup, load_problem
from studies.study import Search

PAPER = Setup.named(load_problem("exponential-decay"), "paper")

SPACE = {
    "batch_size": IntDistribution(4, 256, log=True),
    "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "schedule": CategoricalDistribution(["constant", "cosine"]),
    "iterations": IntDistribution(1_000, 5_000),
    "depth": IntDistribution(1, 4),
    "width": IntDistribution(8, 64, log=True),
}

STUDY = Search(
    name="decay-search",
    question="Which settings solve the exponential decay best within the paper's 5 000 iterations?",
    base=PAPER,
    baseline=PAPER,
    space=SPACE,
    trials=40,
    grace_period=500,
    reduction_factor=3,
    quick={
        "space": {**SPACE, "iterations": IntDistribution(200, 500)},
        "baseline": PAPER.changed({"iterations": 500}),
        "trials": 8,
        "grace_period": 100,
        "startup_trials": 4,
    },
)
